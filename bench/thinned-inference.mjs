/**
 * Inference of the dense LeNet-5 (20-50-500) beside that of a thinned one, taking turns. Prints JSON.
 *
 *   npx espalier run examples/lenet-5-structured/recipe.yaml --out runs/lenet-5-structured
 *   node bench/thinned-inference.mjs runs/lenet-5-structured/model.esp [native|wasm|cpu]
 */
import { readFile } from 'node:fs/promises';
import { startBackend } from '@espalier/backend';
import { decode } from '@espalier/codec';
import { countMacs, timeInference } from '@espalier/pruners-structured';
import * as tfl from '@tensorflow/tfjs-layers';
import { median } from './lib/numbers.mjs';

const [file, prefer = 'native'] = process.argv.slice(2);
if (file === undefined) throw new Error('Which file? node bench/thinned-inference.mjs model.esp [backend]');
const backend = await startBackend({ prefer });
const { conv2d, maxPooling2d, flatten, dense } = tfl.layers;
const whole = tfl.sequential({
  layers: [
    conv2d({ filters: 20, kernelSize: 5, inputShape: [28, 28, 1] }),
    maxPooling2d({ poolSize: 2 }),
    conv2d({ filters: 50, kernelSize: 5 }),
    maxPooling2d({ poolSize: 2 }),
    flatten(),
    dense({ units: 500, activation: 'relu' }),
    dense({ units: 10, activation: 'softmax' }),
  ],
});
const artifacts = await decode(await readFile(file));
const thinned = await tfl.loadLayersModel({ load: async () => artifacts });

const times = [];
for (const batchSize of [1, 100]) {
  const rows = [];
  for (let turn = 0; turn < 9; turn++) {
    const [a, b] = [
      await timeInference(whole, { batchSize, repeats: 21 }),
      await timeInference(thinned, { batchSize, repeats: 21 }),
    ];
    rows.push({ whole: a.median, thinned: b.median });
  }
  times.push({
    batchSize,
    denseMs: median(rows.map((row) => row.whole)),
    thinnedMs: median(rows.map((row) => row.thinned)),
    faster: median(rows.map((row) => row.whole / row.thinned)),
  });
}
const macs = { dense: countMacs(whole).macs, thinned: countMacs(thinned).macs };
console.log(JSON.stringify({ backend: backend.name, macs, times }, null, 2));
