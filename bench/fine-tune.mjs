// node bench/fine-tune.mjs steps rate last folder: trains @upscalerjs/default-model for some steps on photographs (all layers, or the
// last `last`), and writes old.esp and new.esp, without loss.
import { mkdirSync, writeFileSync } from 'node:fs';
import { startBackend } from '@espalier/backend';
import { encode } from '@espalier/codec';
import { modelFrom } from '@espalier/compress';
import { photographs } from '@espalier/photographs';
import * as tf from '@tensorflow/tfjs-core';
import { models } from '../examples/existing-models/models.js';
import { packageFolder } from '../examples/existing-models/packages.js';

const [steps, rate, last] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5];
const { spec, read } = models.find(({ name }) => name === '@upscalerjs/default-model');
const artifacts = await read(await packageFolder(spec));
await startBackend({ prefer: 'native' });
const model = await modelFrom(artifacts);
const layers = model.layers.filter(({ weights }) => weights.length > 0);
for (const layer of layers) layer.trainable = layers.indexOf(layer) >= layers.length - last;

let seed = 5;
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};
const pictures = photographs().map(({ width, height, data }) =>
  tf.tensor3d(Float32Array.from(data), [height, width, 3]),
);
const optimizer = tf.train.adam(rate);
const size = 48;
let mean = 0;
for (let step = 0; step < steps; step++) {
  const loss = optimizer.minimize(
    () => {
      const crops = Array.from({ length: 4 }, () => {
        const picture = pictures[random(pictures.length)];
        const [h, w] = picture.shape;
        return tf.slice(picture, [random(h - size), random(w - size), 0], [size, size, 3]);
      });
      const target = tf.stack(crops);
      const small = tf.avgPool(target, 2, 2, 'same');
      return tf.mean(tf.square(tf.sub(model.apply(small, { training: true }), target)));
    },
    true,
    model.trainableWeights.map((weight) => weight.read()),
  );
  mean += loss.dataSync()[0];
  loss.dispose();
  if (step % 20 === 19) {
    process.stderr.write(`step ${step + 1}: ${(mean / 20).toFixed(2)}\n`);
    mean = 0;
  }
}
const byName = new Map(model.weights.map((weight) => [weight.originalName, weight.read().dataSync()]));
const parts = artifacts.weightSpecs.map(({ name }) => byName.get(name));
const tuned = {
  ...artifacts,
  weightData: new Uint8Array(
    Buffer.concat(parts.map((p) => Buffer.from(p.buffer, p.byteOffset, p.byteLength))),
  ).buffer,
};
mkdirSync(folder, { recursive: true });
for (const [name, own] of [
  ['old', artifacts],
  ['new', tuned],
])
  writeFileSync(`${folder}/${name}.esp`, encode(own));
