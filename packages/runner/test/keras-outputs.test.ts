import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBackend } from '@espalier/backend';
import { parametersOf } from '@espalier/core';
import { writeNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { readLayersModel } from '../src/pipeline/model-files.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import { folder } from './fixtures.js';

/** Two inputs, four outputs, layers that are called twice, models in a model; of Keras 3. */
const keras = fileURLToPath(new URL('../../formats/test/fixtures/graph.keras', import.meta.url));

it('a .keras of several inputs and outputs is tuned, pruned, shares values and is packed; what is read back is the same', async () => {
  const backend = await startBackend({ prefer: 'cpu', log: () => {} });
  const home = folder();
  const arrays = { a: 4, b: 3, p: 2, q: 2, r: 2, s: 1 };
  for (const [name, width] of Object.entries(arrays)) {
    const values = Float32Array.from({ length: 40 * width }, (_, i) => Math.sin(i * i + width));
    writeFileSync(join(home, `${name}.npy`), writeNpy([40, width], values));
  }
  const file = join(home, 'recipe.yaml');
  writeFileSync(
    file,
    `name: several
seed: 1
data: { inputs: { a: a.npy, b: b.npy }, labels: [p.npy, q.npy, r.npy, s.npy], batchSize: 8 }
model: ${keras}
loss: [meanSquaredError, huber, meanAbsoluteError, { name: huber, weight: 0.5 }]
metrics: [rmse]
goal: add/rmse
stages:
  - { name: tune, epochs: 3, learningRate: 0.01, keepBest: true }
  - name: prune
    epochs: 4
    schedules: [{ use: '@espalier/pruners#agp', options: { final: 0.5 }, parameters: '**/kernel', end: 3 }]
  - { name: share, use: '@espalier/quantize-kmeans#kmeans', options: { clusters: 4 }, parameters: '**/kernel' }
`,
  );
  const out = join(home, 'out');
  const report = await runRecipe(await loadRecipe(file), { out, backend });
  expect(Object.keys(report.compressed.metrics!)).toContain('add/rmse');
  expect(report.goal).toEqual({ metric: 'add/rmse', better: 'lower' });
  const model = await readLayersModel(join(out, 'model.esp'));
  expect([model.inputNames, model.outputs.map(({ shape }) => shape[1])]).toEqual([
    ['a', 'b'],
    [2, 2, 2, 1],
  ]);
  const before = await readLayersModel(keras);
  const kernels = parametersOf(model).filter(({ name }) => name.endsWith('/kernel'));
  for (const { name, variable } of kernels) {
    const values = [...variable.dataSync()];
    expect(values.filter((v) => v === 0).length, name).toBeGreaterThanOrEqual(Math.floor(values.length / 2));
    expect(new Set(values).size, name).toBeLessThanOrEqual(5);
    const own = parametersOf(before).find((p) => p.name === name)!;
    expect(values.join(), name).not.toBe(own.variable.dataSync().join()); // it was trained
  }
  const x = tf.tidy(() => {
    const given = [tf.ones([1, 4]), tf.ones([1, 3])];
    return (model.predict(given) as tf.Tensor[]).map((output) =>
      [...output.dataSync()].every(Number.isFinite),
    );
  });
  expect(x).toEqual([true, true, true, true]);
  expect(readFileSync(join(out, 'model.esp')).length).toBeLessThan(readFileSync(keras).length);
  model.dispose();
  before.dispose();
});
