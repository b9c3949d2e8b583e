import { groupHorseshoe, groupNormalJeffreys } from '@espalier/bayesian-layers';
import { type Data, Run, type Schedule } from '@espalier/core';
import { gaussianMixturePrior } from '@espalier/priors-gmm';
import * as pruners from '@espalier/pruners';
import * as structured from '@espalier/pruners-structured';
import * as quantizers from '@espalier/quantize-kmeans';
import { ratePrior } from '@espalier/rate';
import * as regularizers from '@espalier/regularizers';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** A tiny net with a layer of every common kind, the same each time. */
export const net = (): Run => {
  const seeded = (seed: number) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });
  const model = tfl.sequential({
    layers: [
      tfl.layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, inputShape: [6, 6, 1], ...seeded(1) }),
      tfl.layers.batchNormalization({ name: 'norm' }),
      tfl.layers.activation({ name: 'relu', activation: 'relu' }),
      tfl.layers.flatten(),
      tfl.layers.dense({ name: 'fc', units: 8, activation: 'relu', ...seeded(2) }),
      tfl.layers.dense({ name: 'out', units: 3, activation: 'softmax', ...seeded(3) }),
    ],
  });
  return new Run(model, { seed: 1 });
};

/** Epochs of so many steps. */
export const dataOf = (stepsPerEpoch: number): Data => ({
  size: 4 * stepsPerEpoch,
  stepsPerEpoch,
  *batches(epoch) {
    for (let i = 0; i < stepsPerEpoch; i++) {
      const inputs = tf.randomNormal([4, 6, 6, 1], 0, 1, 'float32', 100 * epoch + i + 1);
      const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d([0, 1, 2, i % 3], 'int32'), 3), 'float32'));
      yield { inputs, labels };
    }
  },
});

export const filters = 'conv/kernel';
/** A schedule of every plugin that acts on an ordinary net. */
export const schedules: Record<string, () => Schedule> = {
  level: () => ({ plugin: pruners.level({ sparsity: 0.5, scope: 'global' }) }),
  'level by a score of its own': () => ({
    plugin: pruners.level({ sparsity: 0.5, criterion: (p) => tf.abs(p.variable) }),
  }),
  lamp: () => ({ plugin: pruners.level({ sparsity: 0.5, criterion: 'lamp', scope: 'global' }) }),
  agp: () => ({ plugin: pruners.agp({ final: 0.8 }) }),
  random: () => ({ plugin: pruners.random({ sparsity: 0.5 }) }),
  magnitude: () => ({ plugin: pruners.magnitude({ threshold: 0.05 }) }),
  sensitivity: () => ({ plugin: pruners.sensitivity({ sensitivity: 0.5 }) }),
  'sensitivity, always': () => ({ plugin: pruners.sensitivity({ sensitivity: 0.5, measure: 'always' }) }),
  splicing: () => ({ plugin: pruners.splicing({ sensitivity: 0 }) }),
  baiduRnn: () => ({ plugin: pruners.baiduRnn({ quantile: 0.5 }) }),
  nm: () => ({ plugin: pruners.nm({ n: 2, m: 4 }) }),
  ...Object.fromEntries(
    (
      [
        'l1',
        'l2',
        'max',
        'batch-norm-scale',
        'geometric-median',
        'apoz',
        'mean-activation',
        'taylor',
        'random',
      ] as const
    ).map((criterion) => [
      `filters by ${criterion}`,
      () => ({
        plugin: structured.structuredAgp({ structure: 'filters', final: 0.5, criterion }),
        parameters: filters,
      }),
    ]),
  ),
  'structuredLevel, reconstructed': () => ({
    plugin: structured.structuredLevel({ structure: 'filters', sparsity: 0.5, reconstruct: true }),
    parameters: filters,
  }),
  structuredThreshold: () => ({
    plugin: structured.structuredThreshold({ structure: 'rows', threshold: 0.1 }),
    parameters: 'fc/kernel',
  }),
  bernoulliDrop: () => ({
    plugin: structured.bernoulliDrop({ structure: 'filters', rate: 0.3 }),
    parameters: filters,
  }),
  ...Object.fromEntries(
    (['l1', 'l2', 'max', 'batch-norm-scale'] as const).map((criterion) => [
      `randomLevelDrop by ${criterion}`,
      () => ({
        plugin: structured.randomLevelDrop({ structure: 'filters', low: 0.2, high: 0.6, criterion }),
        parameters: filters,
      }),
    ]),
  ),
  l1: () => ({ plugin: regularizers.l1({ strength: 1e-3, threshold: 0.01 }) }),
  l2: () => ({ plugin: regularizers.l2({ strength: 1e-3 }) }),
  groupLasso: () => ({
    plugin: regularizers.groupLasso({ strength: 1e-3, structure: 'filters', threshold: 0.01 }),
  }),
  groupVariance: () => ({ plugin: regularizers.groupVariance({ strength: 1e-3, structure: 'filters' }) }),
  growing: () => ({ plugin: regularizers.growing({ sparsity: 0.5, strength: 0.1 }) }),
  distillation: () => ({ plugin: regularizers.distillation() }),
  'mixture prior': () => ({
    plugin: gaussianMixturePrior({ components: 4, tau: { from: 1e-3, zeros: 0.9 }, pruneFrom: 0.5 }),
  }),
  'rate prior': () => ({ plugin: ratePrior({ weight: 0.5, pruneFrom: 0.5 }), parameters: '**' }),
  kmeans: () => ({ plugin: quantizers.kmeans({ clusters: 4 }) }),
  'kmeans by importance': () => ({ plugin: quantizers.kmeans({ clusters: 4, importance: 'fisher' }) }),
  uniform: () => ({ plugin: quantizers.uniform({ bits: 4 }) }),
  rateDistortion: () => ({ plugin: quantizers.rateDistortion({ lambda: 0.01 }) }),
};

/** And of the posteriors, whose noise is a backend's own. */
export const posteriors: Record<string, () => Schedule> = {
  'normal-Jeffreys': () => ({ plugin: groupNormalJeffreys({ pruneFrom: 0.3 }) }),
  'normal-Jeffreys, units': () => ({
    plugin: groupNormalJeffreys({ pruneFrom: 0.3, structure: 'outputs', maxDeviation: 0.1, single: 3 }),
  }),
  horseshoe: () => ({ plugin: groupHorseshoe({ pruneFrom: 0.3 }) }),
};
