import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode, espalier, type ModelArtifacts } from '@espalier/codec';
import { compress, modelFrom } from '@espalier/compress';
import { parametersOf, Run } from '@espalier/core';
import { structuredLevel, thinModel } from '@espalier/pruners-structured';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  loadLayersModel,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';
import { makeModel } from '../src/pipeline/model.js';
import { artifactsOf, readLayersModel } from '../src/pipeline/model-files.js';
import { writePlain } from '../src/pipeline/plain.js';
import { folder } from './fixtures.js';

const dense = (name: string, units: number, more: object = {}): layers.Layer =>
  layers.dense({ name, units, biasInitializer: 'glorotUniform', ...more });

/** A model with the layers `fc` and `norm`, one of them without a bias and one that is frozen: whose is whose shows. */
const part = (name: string, inputs: number, more: object = {}): LayersModel =>
  sequential({
    name,
    layers: [
      dense('fc', 6, { inputShape: [inputs], ...more }),
      layers.batchNormalization({ name: 'norm', movingMeanInitializer: 'glorotUniform' }),
      layers.reLU({ name: 'act' }),
    ],
  });

/** Three models in a model, all of whose layers have equal names; one in another one; and a layer of that name beside them. */
function alike(): LayersModel {
  const x = input({ shape: [5] });
  const left = part('left', 5, { useBias: false }).apply(x);
  const right = part('right', 5, { trainable: false }).apply(x);
  const deep = sequential({ name: 'deep', layers: [part('left', 6) as never, dense('out', 6)] }).apply(left);
  const both = layers.concatenate().apply([deep, right] as SymbolicTensor[]);
  return model({ inputs: x, outputs: dense('fc', 3).apply(both) as SymbolicTensor });
}

const names = [
  'left/fc/kernel',
  'right/fc/kernel',
  'right/fc/bias',
  'deep/left/fc/kernel',
  'deep/left/fc/bias',
  'fc/kernel',
];

let given: LayersModel;
let saved: ModelArtifacts;
let expected: Float32Array;
const x = tf.tensor(
  Float32Array.from({ length: 20 }, (_, i) => Math.sin(i)),
  [4, 5],
);
const outputsOf = (of: LayersModel): Float32Array => (of.predict(x) as tf.Tensor).dataSync() as Float32Array;

beforeAll(async () => {
  given = alike();
  expected = outputsOf(given);
  // As TensorFlow.js itself writes it, and could not read it.
  await given.save({
    save: async (artifacts) => {
      saved = artifacts as ModelArtifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  await expect(loadLayersModel({ load: async () => saved as never })).rejects.toThrow(
    /Duplicate weight name/,
  );
});

it('is packed, and TensorFlow.js reads the file', async () => {
  const read = await loadLayersModel(espalier(encode(saved)) as never);
  expect(outputsOf(read)).toEqual(expected);
  expect(parametersOf(read).map(({ name }) => name)).toEqual(expect.arrayContaining(names));
});

it('is read from disk, as TensorFlow.js wrote it and as we do', async () => {
  for (const artifacts of [saved, await artifactsOf(given)]) {
    const dir = folder();
    await writePlain(dir, artifacts);
    const read = await readLayersModel(dir);
    expect(outputsOf(read)).toEqual(expected);
    expect(parametersOf(read).map(({ name }) => name)).toEqual(parametersOf(given).map(({ name }) => name));
  }
});

it('is compressed', async () => {
  const { file, fidelity } = await compress(saved, { quality: 40, calibration: [x], seconds: 5 });
  expect(fidelity.psnr).toBeGreaterThan(40);
  expect(file.length).toBeLessThan(encode(saved).length);
  const difference = outputsOf(await loadLayersModel(espalier(file) as never)).map((v, i) => v - expected[i]);
  expect(Math.max(...difference.map(Math.abs))).toBeLessThan(0.1);
});

it('is thinned, from the file too', async () => {
  const read = await modelFrom(saved);
  for (const of of [given, read]) {
    const run = new Run(of, { seed: 1 });
    await run.prune(
      structuredLevel({ structure: 'filters', sparsity: 0.5, refused: 'skip' }),
      'left/fc/kernel',
    );
    const masked = outputsOf(of);
    const { model: thin } = await thinModel(of, {}, run);
    const sizes = parametersOf(thin).map(({ name, shape }) => `${name} ${shape}`);
    expect(sizes).toContain('left/fc/kernel 5,3');
    expect(sizes).toContain('deep/left/fc/kernel 3,6');
    for (const [i, value] of outputsOf(thin).entries()) expect(value).toBeCloseTo(masked[i], 5);
  }
});

it('is a model for a recipe; one that could not be loaded again is refused before it is trained', async () => {
  const make = (of: () => LayersModel) => makeModel({ model: of, name: 'alike' } as never, '.', [5]);
  expect((await make(alike)).weights.length).toBe(given.weights.length);
  const beside = sequential({ layers: [part('left', 5) as never, dense('fc', 2)] });
  await expect(make(() => beside)).rejects.toMatchObject({
    code: 'bad-model',
    message: expect.stringMatching(/"fc" is used 2 times.*differently/s),
  });
  const twice = layers.dense({ units: 2, name: 'd', inputShape: [5] });
  const broken = sequential({ layers: [twice] });
  (broken.weights[1] as { originalName: string }).originalName = 'd/kernel';
  await expect(make(() => broken)).rejects.toMatchObject({
    code: 'bad-model',
    message: expect.stringMatching(/'d\/kernel'.*differently/s),
  });
});

it('two weights of one name that are of no such layers are refused by name', async () => {
  const dir = folder();
  const weights = [0, 1].map(() => ({ name: 'w', shape: [1], dtype: 'float32' }));
  const manifest = [{ paths: ['w.bin'], weights }];
  writeFileSync(join(dir, 'w.bin'), Float32Array.of(1, 2));
  writeFileSync(
    join(dir, 'model.json'),
    JSON.stringify({ modelTopology: { node: [] }, weightsManifest: manifest }),
  );
  await expect(readLayersModel(dir)).rejects.toThrow(/two weights named w\.\n/);
});
