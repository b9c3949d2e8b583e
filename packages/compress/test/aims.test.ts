import '@tensorflow/tfjs-backend-cpu';
import { decode, encode, type ModelArtifacts } from '@espalier/codec';
import { disposeModel } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compress, compressWeights, readWeights } from '../src/index.js';
import { search } from '../src/search/search.js';
import { wave } from './graphs.js';
import { artifactsOf, fill, noise } from './models.js';

let tensors = 0;
beforeEach(async () => {
  await tf.ready();
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

async function saved(model: tfl.LayersModel, seed = 3): Promise<ModelArtifacts> {
  const artifacts = await artifactsOf(fill(model, seed));
  disposeModel(model);
  return artifacts;
}

const dense = (): Promise<ModelArtifacts> =>
  saved(
    tfl.sequential({
      layers: [
        tfl.layers.dense({ units: 32, inputShape: [24], activation: 'relu' }),
        tfl.layers.dense({ units: 8 }),
      ],
    }),
  );

const weights = {
  weightSpecs: [{ name: 'w', shape: [40, 50], dtype: 'float32' as const }],
  weightData: wave(2000, 1).buffer as ArrayBuffer,
};

describe('without loss any quality is met', () => {
  test('where steps do not come so far: the lossless file', async () => {
    const artifacts = await dense();
    const { met, lossless, fidelity, file, losslessBytes } = await compress(artifacts, {
      quality: 140,
      effort: 1,
    });
    expect([met, lossless, fidelity.psnr]).toEqual([true, true, Number.POSITIVE_INFINITY]);
    expect(file.length).toBe(losslessBytes);
    expect(decode(file).weightData).toEqual(artifacts.weightData);
    const alone = await compressWeights(weights, { quality: 140, effort: 1 });
    expect([alone.met, alone.lossless, alone.snr]).toEqual([true, true, Number.POSITIVE_INFINITY]);
  });

  test('where it keeps to the size: nothing is lost for nothing', async () => {
    const artifacts = await dense();
    const size = encode(artifacts, { effort: 1 }).length + 10;
    const { met, lossless, file } = await compress(artifacts, { size, effort: 1 });
    expect([met, lossless]).toEqual([true, true]);
    expect(file.length).toBeLessThanOrEqual(size);
    const whole = encode(weights, { effort: 1 }).length;
    const alone = await compressWeights(weights, { size: whole, effort: 1 });
    expect([alone.lossless, alone.file.length]).toEqual([true, whole]);
    expect((await compressWeights(weights, { size: whole - 1, effort: 1 })).lossless).toBe(false);
  });

  test('numbers of bfloat16 are packed as `encode` packs them', async () => {
    const values = wave(3000, 2);
    const bits = new Uint32Array(values.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] &= 0xffff0000;
    const model = {
      weightSpecs: [{ name: 'w', shape: [60, 50], dtype: 'float32' as const }],
      weightData: values.buffer as ArrayBuffer,
    };
    const { losslessBytes } = await compressWeights(model, { quality: 30 });
    expect(losslessBytes).toBeLessThanOrEqual(encode(model, { effort: 1 }).length);
  });
});

test('a size holds for the file, whatever effort packs it', async () => {
  const artifacts = await dense();
  for (const effort of [0, 9]) {
    for (const size of effort === 0 ? [900, 1100, 1300] : [1000]) {
      const { met, file } = await compress(artifacts, { size, effort });
      expect(met).toBe(file.length <= size);
      expect(file.length).toBeLessThanOrEqual(size);
    }
  }
});

describe('search', () => {
  const aim = {
    meets: (figure: number) => figure >= 45,
    near: (figure: number) => figure >= 45 && figure < 45.25,
    octaves: (figure: number) => (figure - 45.1) / 6.02,
    better: (a: number, b: number) => a > b,
  };

  test('that meets nothing returns the best that was seen, not the last', async () => {
    const figures = [30, 42, 41, 38, 36, 40, 35, 34, 33, 32];
    let i = 0;
    const found = await search(1, aim, async () => figures[i++ % figures.length]);
    expect(found).toMatchObject({ figure: 42, met: false });
  });

  test('believes a lucky trial where there is no other', async () => {
    let i = 0;
    const found = await search(1, { ...aim, luck: 1e-9 }, async () => [50, 20, 20, 20][i++ % 4]);
    expect(found).toMatchObject({ figure: 50, met: true });
  });
});

describe('weights that no output depends on', () => {
  const branches = (bias: number): Promise<ModelArtifacts> => {
    const x = tfl.input({ shape: [32] });
    const silent = tfl.layers.dense({
      units: 64,
      activation: 'relu',
      biasInitializer: tfl.initializers.constant({ value: bias }),
      kernelInitializer: tfl.initializers.glorotUniform({ seed: 1 }),
      name: 'silent',
    });
    const hidden = tfl.layers
      .dense({ units: 4, name: 'behind', kernelInitializer: tfl.initializers.glorotUniform({ seed: 2 }) })
      .apply(silent.apply(x));
    const main = tfl.layers
      .dense({ units: 4, name: 'main', kernelInitializer: tfl.initializers.glorotUniform({ seed: 3 }) })
      .apply(x);
    const y = tfl.layers.add().apply([hidden, main] as tfl.SymbolicTensor[]) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: x, outputs: y });
    return artifactsOf(model).finally(() => model.dispose());
  };

  test('are quantised by themselves to the relative error of what outputs depend on, which is said', async () => {
    const artifacts = await branches(-50);
    const { met, tensors: rows, artifacts: after } = await compress(artifacts, { quality: 45, effort: 1 });
    expect(met).toBe(true);
    const unreached = rows.filter((row) => row.unreached).map(({ name }) => name);
    expect(unreached).toEqual(['silent/kernel', 'behind/kernel']);
    const [before, packed] = [artifacts, after].map((model) => readWeights(model));
    const relative = (name: string): number => {
      const at = before.findIndex((own) => own.name === name);
      const [a, b] = [before[at]?.values as Float32Array, packed[at]?.values as Float32Array];
      const noiseOf = a.reduce((sum, v, i) => sum + (v - (b[i] as number)) ** 2, 0);
      return 10 * Math.log10(a.reduce((sum, v) => sum + v * v, 0) / noiseOf);
    };
    const main = relative('main/kernel');
    expect(main).toBeGreaterThan(20);
    expect(Math.abs(relative('silent/kernel') - main)).toBeLessThan(2);
    expect(Math.abs(relative('behind/kernel') - main)).toBeLessThan(2);
  });
});

test('layers that are used twice leave no tensor, nor do errors', async () => {
  const x = tfl.input({ shape: [12] });
  const shared = tfl.layers.dense({ units: 12, activation: 'tanh', name: 'shared' });
  const twice = shared.apply(shared.apply(x));
  const inner = tfl.sequential({ layers: [tfl.layers.dense({ units: 5, inputShape: [12] })], name: 'inner' });
  const sum = tfl.layers.add().apply([inner.apply(twice), inner.apply(x)] as tfl.SymbolicTensor[]);
  const artifacts = await saved(tfl.model({ inputs: x, outputs: sum as tfl.SymbolicTensor }));
  const before = tf.memory().numTensors;
  for (const options of [{ quality: 35 }, { size: 700 }, { bits: 9 }]) {
    await compress(artifacts, { ...options, effort: 1 });
    expect(tf.memory().numTensors).toBe(before);
  }
  const calibration = noise([8, 12], 2);
  const wrong = noise([8, 11], 2);
  for (const options of [
    { calibration: [wrong] },
    { calibration: [calibration], validation: [wrong] },
    { calibration: () => Promise.reject(new Error('no pictures')) },
    { inputs: { x: 1 } },
    { peak: 0 },
    {
      log: () => {
        throw new Error('the log is full');
      },
    },
  ]) {
    await expect(compress(artifacts, options)).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(before + 2);
  }
  tf.dispose([calibration, wrong]);
});

test.each([
  ['s', [2 ** 40], 'string', 'The weights end inside s'],
  ['w', [-1], 'float32', 'w has the shape [-1]'],
  ['w', [2.5], 'float32', 'w has the shape [2.5]'],
  ['w', [2 ** 30, 2 ** 30], 'float32', 'w has the shape'],
  ['w', [1], 'constructor', "w has the type 'constructor'"],
  ['w', [1], 'uint4', "w has the type 'uint4'"],
])('%s of %o %s: an error by name, at once', async (name, shape, dtype, message) => {
  const artifacts = {
    ...(await dense()),
    weightSpecs: [{ name, shape, dtype }],
    weightData: new ArrayBuffer(4),
  };
  await expect(compress(artifacts as ModelArtifacts)).rejects.toThrow(message);
  await expect(compressWeights(artifacts as ModelArtifacts)).rejects.toThrow(message);
});
