/**
 * How long training waits for its data, per epoch, on a folder of pictures: JPEGs of 320 x 240 in three classes, made here, at 96 x 96 with
 * every random change there is. Prints JSON: seconds to read the folder, and of each epoch its seconds and the share that was
 * waited (of all of it, validation included). `images/s` is what the threads could prepare by themselves.
 *
 *   node bench/data-wait.mjs [--backend native|wasm|cpu] [--pictures 600] [--epochs 4] [--batch 32] [--filters 16]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { createTrainer, Run } from '@espalier/core';
import { fromImages } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import jpeg from 'jpeg-js';

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    pictures: { type: 'string', default: '600' },
    epochs: { type: 'string', default: '4' },
    batch: { type: 'string', default: '32' },
    filters: { type: 'string', default: '16' },
  },
});
const [pictures, epochs, batchSize, filters] = ['pictures', 'epochs', 'batch', 'filters'].map((name) =>
  Number(values[name]),
);

/** Stripes of three directions, each picture with others. */
function folderOf(count) {
  const home = mkdtempSync(join(tmpdir(), 'espalier-data-wait-'));
  const [width, height] = [320, 240];
  for (let i = 0; i < count; i++) {
    const data = new Uint8Array(4 * width * height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += 4) {
        const along = [x, y, x + y][i % 3];
        const shade = 128 + 100 * Math.sin(along / (4 + (i % 17))) + ((i * 7919 + x * y) % 27);
        data.set([shade, shade / 2 + (i % 50), 255 - shade, 255], at);
      }
    }
    const folder = join(home, ['columns', 'rows', 'slants'][i % 3]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${i}.jpg`), jpeg.encode({ width, height, data }, 85).data);
  }
  return home;
}

/** A small net, so that a step is short: what waits least for a large one. */
function net() {
  const conv = (count, strides) =>
    tfl.layers.conv2d({ filters: count, kernelSize: 3, strides, padding: 'same', activation: 'relu' });
  const input = tfl.input({ shape: [96, 96, 3] });
  let x = input;
  for (const layer of [conv(filters, 2), conv(2 * filters, 2), conv(4 * filters, 2)]) x = layer.apply(x);
  x = tfl.layers.globalAveragePooling2d({}).apply(x);
  return tfl.model({
    inputs: input,
    outputs: tfl.layers.dense({ units: 3, activation: 'softmax' }).apply(x),
  });
}

const home = folderOf(pictures);
try {
  const backend = await startBackend({ prefer: values.backend, log: () => {} });
  const began = performance.now();
  const augment = {
    flip: 'both',
    shift: 4,
    crop: 0.7,
    jitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2 },
  };
  const source = await fromImages({ images: home, size: 96, augment });
  const reading = (performance.now() - began) / 1000;
  const data = source.batches('train', { batchSize, shuffle: 1 });
  const alone = performance.now();
  for await (const { inputs, labels } of data.batches(99)) tf.dispose([inputs, labels]);
  const prepared = data.size / ((performance.now() - alone) / 1000);
  const trainer = await createTrainer(new Run(net()), {
    data,
    validation: source.batches('validation', { batchSize: 200 }),
    epochs,
    ...(backend.optimizers && { optimizers: backend.optimizers }),
  });
  const lines = [];
  while (!trainer.done) {
    const { seconds, wait } = await trainer.nextEpoch();
    lines.push({ seconds: Number(seconds.toFixed(3)), wait: `${((100 * wait) / seconds).toFixed(2)} %` });
  }
  console.log(
    JSON.stringify(
      {
        backend: backend.name,
        cores: availableParallelism(),
        pictures,
        batchSize,
        filters,
        reading: Number(reading.toFixed(2)),
        'images/s': Math.round(prepared),
        epochs: lines,
      },
      null,
      1,
    ),
  );
} finally {
  rmSync(home, { recursive: true });
}
