import '@tensorflow/tfjs-backend-cpu';
import { Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import {
  type BayesianLayer,
  bayesianDense,
  fromLayersModel,
  layerPosterior,
  toLayersModel,
} from '../src/index.js';
import { write } from './models.js';

const { exp, log, sqrt } = Math;
const kernel = [3, -4, 0, 0, 1, 1];
const bias = [6, -8];

/** Three inputs, two outputs; the root mean squares of rows are 5/√2, 0 and 1, of columns √(10/3) and √(17/3). */
function model(useBias = true): tfl.LayersModel {
  const layer = tfl.layers.dense({ name: 'fc', units: 2, inputShape: [3], useBias });
  const made = tfl.sequential({ layers: [layer] });
  layer.setWeights([tf.tensor2d(kernel, [3, 2]), ...(useBias ? [tf.tensor1d(bias)] : [])]);
  return made;
}

const layerOf = (twin: tfl.LayersModel): BayesianLayer => twin.getLayer('fc') as BayesianLayer;
const close = (found: ArrayLike<number> | undefined, expected: readonly number[], digits = 4): void => {
  expect(found).toHaveLength(expected.length);
  for (const [i, x] of expected.entries()) expect(found![i]).toBeCloseTo(x, digits);
};
const values = (weight: { val: tf.Variable } | null | undefined): Float32Array =>
  weight!.val.dataSync() as Float32Array;

describe('a twin starts', () => {
  it('with the sizes of its groups in their scales: rows', async () => {
    const twin = layerOf(await fromLayersModel(model(), { start: { deviation: 0.3, scale: -5 } }));
    // A group without energy may grow.
    const sizes = [5 / sqrt(2), 1e-4, 1];
    close(values(twin.scale.scale_mean), sizes);
    close(
      values(twin.scale.scale_log_variance),
      sizes.map((size) => -5 + 2 * log(size)),
    );
    close(
      values(twin.meanWeight),
      kernel.map((w, i) => w / sizes[Math.floor(i / 2)]),
    );
    close(values(twin.logVariance), Array(6).fill(2 * log(0.3)));
    // Biases have no scale of their own: they are known ten times as well.
    close(values(twin.biasWeight), bias);
    close(values(twin.biasLogVariance), [2 * log(0.03), 2 * log(0.03)]);
  });

  it('with the sizes of its groups in their scales: columns, and their biases', async () => {
    const twin = layerOf(await fromLayersModel(model(), { structure: 'outputs' }));
    const sizes = [sqrt(10 / 3), sqrt(17 / 3)];
    close(values(twin.scale.scale_mean), sizes);
    close(
      values(twin.scale.scale_log_variance),
      sizes.map((size) => -4 + 2 * log(size)),
    );
    close(
      values(twin.meanWeight),
      kernel.map((w, i) => w / sizes[i % 2]),
    );
    close(
      values(twin.biasWeight),
      bias.map((b, i) => b / sizes[i]),
    );
    close(values(twin.logVariance), Array(6).fill(2 * log(0.2)));
    close(values(twin.biasLogVariance), Array(2).fill(2 * log(0.2)));
  });

  it('with the moments of a horseshoe at the sizes', async () => {
    const twin = layerOf(await fromLayersModel(model(), { prior: 'horseshoe', start: { scale: -3 } }));
    const scale = Object.fromEntries(Object.entries(twin.scale).map(([key, { val }]) => [key, val]));
    close(twin.scalePrior.moments(scale).mean.dataSync(), [5 / sqrt(2), 1e-4, 1], 3);
    close(values(twin.scale.alpha_log_variance), [-3, -3, -3]);
  });

  it('without a bias where the layer has none, of the layers that are named, by a seed for each', async () => {
    const plain = layerOf(await fromLayersModel(model(false)));
    expect(plain.biasWeight ?? plain.biasLogVariance).toBeUndefined();
    const two = tfl.sequential({
      layers: [
        tfl.layers.dense({ name: 'a', units: 2, inputShape: [3] }),
        tfl.layers.dense({ name: 'b', units: 2 }),
      ],
    });
    const some = await fromLayersModel(two, { layers: ['b'] });
    expect(some.layers.map((layer) => layer.getClassName())).toEqual(['Dense', 'BayesianDense']);
    expect(some.layers[1].getConfig().seed).toBeUndefined();
    const all = await fromLayersModel(two, { seed: 7 });
    expect(all.layers.map((layer) => layer.getConfig().seed)).toEqual([8, 9]);
    for (const [i, weight] of two.layers[0].getWeights().entries())
      expect(some.layers[0].getWeights()[i].dataSync()).toEqual(weight.dataSync());
  });

  it.each([
    [{ seeds: 1 }, 'unknown-option'],
    [{ start: { variance: 1 } }, 'unknown-option'],
    [{ tau: 0 }, 'invalid-option'],
    [{ layers: ['fc', 'gone'] }, 'unsupported-layer'],
    [{ layers: [] }, 'unsupported-layer'],
  ])('not with %j', async (options, code) => {
    await expect(fromLayersModel(model(), options as never)).rejects.toMatchObject({ code });
  });
});

describe('a plain model has', () => {
  const sizes = [2, 1, 4];
  /** A twin whose groups have log α of -3, 1 and 2, and mean scales. */
  const twin = async (structure: 'inputs' | 'outputs'): Promise<tfl.LayersModel> => {
    const made = await fromLayersModel(model(), { structure });
    const layer = layerOf(made);
    const count = structure === 'inputs' ? 3 : 2;
    const rates = [-3, 1, 2].slice(0, count);
    write(layer.scale.scale_mean, sizes.slice(0, count));
    write(
      layer.scale.scale_log_variance,
      rates.map((rate, i) => rate + 2 * log(sizes[i])),
    );
    write(layer.meanWeight, [1, 2, 3, 4, 5, 6]);
    write(layer.biasWeight!, [7, 8]);
    write(layer.logVariance, Array(6).fill(-1));
    return made;
  };
  const weights = async (
    structure: 'inputs' | 'outputs',
    threshold?: 'gap' | number | Record<string, number>,
  ) => {
    const { model: plain } = await toLayersModel(
      await twin(structure),
      threshold === undefined ? {} : { threshold },
    );
    return plain
      .getLayer('fc')
      .getWeights()
      .map((w) => [...w.dataSync()]);
  };

  it('the means of weights and biases', async () => {
    expect(await weights('inputs')).toEqual([
      [2, 4, 3, 4, 20, 24],
      [7, 8],
    ]);
    expect(await weights('outputs')).toEqual([
      [2, 2, 6, 4, 10, 6],
      [14, 8],
    ]);
  });

  it('zeros for groups from a threshold on, of one layer or of all', async () => {
    const rest = [
      [2, 4, 3, 4, 0, 0],
      [7, 8],
    ];
    expect(await weights('inputs', 1.5)).toEqual(rest);
    expect(await weights('inputs', { fc: 1.5 })).toEqual(rest);
    expect(await weights('inputs', { other: -9 })).toEqual([
      [2, 4, 3, 4, 20, 24],
      [7, 8],
    ]);
    // The gap is between -3 and the other two.
    expect(await weights('inputs', 'gap')).toEqual([
      [2, 4, 0, 0, 0, 0],
      [7, 8],
    ]);
    // A filter takes its bias along.
    expect(await weights('outputs', 0)).toEqual([
      [2, 0, 6, 0, 10, 0],
      [14, 0],
    ]);
    await expect(toLayersModel(await twin('inputs'), { thresholds: 1 } as never)).rejects.toThrow(
      /threshold/,
    );
  });

  it('a group at the threshold itself gone', async () => {
    const made = await twin('outputs');
    const { rates } = layerPosterior(layerOf(made));
    const { model: plain } = await toLayersModel(made, { threshold: rates[1] });
    expect([...plain.getLayer('fc').getWeights()[1].dataSync()]).toEqual([14, 0]);
  });

  it('the variances of its weights, for a run too', async () => {
    const made = await twin('inputs');
    const { model: plain, variances, publish } = await toLayersModel(made);
    const expected = [1, 2, 3, 4, 5, 6].map((mean, i) => {
      const g = Math.floor(i / 2);
      const [square, zVariance] = [sizes[g] ** 2, exp([-3, 1, 2][g]) * sizes[g] ** 2];
      // E[w²] E[z²] - E[w]² E[z]²
      return (mean ** 2 + exp(-1)) * (square + zVariance) - mean ** 2 * square;
    });
    const found = variances.get('fc/kernel');
    for (const [i, x] of expected.entries()) expect(found![i] / x).toBeCloseTo(1, 4);
    const run = new Run(plain);
    publish(run);
    expect(run.variance(run.parameter('fc/kernel'))!.dataSync()).toEqual(found);
    expect(run.variance(run.parameter('fc/kernel'))!.shape).toEqual([3, 2]);
    expect([...variances.keys()]).toEqual(['fc/kernel']);
  });

  it('the class and the configuration of the plain layers, nested or not', async () => {
    const inner = tfl.sequential({
      name: 'inner',
      layers: [tfl.layers.depthwiseConv2d({ name: 'd', kernelSize: 2, inputShape: [3, 3, 2] })],
    });
    const outer = tfl.sequential({
      layers: [inner, tfl.layers.flatten(), tfl.layers.dense({ name: 'e', units: 1 })],
    });
    const twins = await fromLayersModel(outer, { prior: 'horseshoe', maxDeviation: 2, tau: 0.1, seed: 1 });
    const { model: back, variances } = await toLayersModel(twins, { threshold: { d: -99 } });
    expect(JSON.stringify(back.toJSON(undefined, false))).toBe(
      JSON.stringify(outer.toJSON(undefined, false)),
    );
    expect([...variances.keys()]).toEqual(['inner/d/depthwise_kernel', 'e/kernel']);
    const [deep, deepBias] = (back.layers[0] as tfl.LayersModel).getLayer('d').getWeights();
    expect([...deep.dataSync(), ...deepBias.dataSync()].every((x) => x === 0)).toBe(true);
  });
});

describe('what a layer has learned', () => {
  it('says where to cut, each prior in its range', () => {
    const suggested = (prior: 'normalJeffreys' | 'horseshoe'): number => {
      const layer = bayesianDense({ units: 2, inputShape: [3], prior });
      tfl.sequential({ layers: [layer] });
      return layerPosterior(layer).suggested.threshold;
    };
    expect([suggested('normalJeffreys'), suggested('horseshoe')]).toEqual([3, 10]);
  });

  it('has biases where the layer has, with the scale of outputs', () => {
    const biasOf = (structure: 'inputs' | 'outputs', useBias: boolean): Float32Array | undefined => {
      const layer = bayesianDense({ units: 2, inputShape: [3], structure, useBias });
      tfl.sequential({ layers: [layer] });
      if (layer.biasWeight) write(layer.biasWeight, [3, -5]);
      write(layer.scale.scale_mean, Array(layer.groups.count).fill(4));
      return layerPosterior(layer).bias;
    };
    expect(biasOf('inputs', false)).toBeUndefined();
    expect([...biasOf('inputs', true)!]).toEqual([3, -5]);
    expect([...biasOf('outputs', true)!]).toEqual([12, -20]);
  });
});
