import { Run, topologyOf, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { toyData } from './helpers.js';
import { gradual } from './plugins.js';

const l2 = (): object => tfl.regularizers.l2({ l2: 0.5 });
const half = (values: Float32Array): number => 0.5 * values.reduce((sum, w) => sum + w * w, 0);

/** Recurrent cells, wrappers, a nested model and a layer that is called twice, all with regularizers. */
function regularized(): tfl.LayersModel {
  const input = tfl.input({ shape: [6] });
  const twice = tfl.layers.dense({ units: 6, kernelRegularizer: l2() as never });
  const inner = tfl.sequential({
    layers: [tfl.layers.dense({ units: 6, inputShape: [6], kernelRegularizer: l2() as never })],
  });
  let x = twice.apply(twice.apply(input)) as tfl.SymbolicTensor;
  x = inner.apply(x) as tfl.SymbolicTensor;
  x = tfl.layers.reshape({ targetShape: [3, 2] }).apply(x) as tfl.SymbolicTensor;
  const gru = tfl.layers.gru({
    units: 2,
    returnSequences: true,
    kernelRegularizer: l2() as never,
    recurrentRegularizer: l2() as never,
  });
  x = tfl.layers.bidirectional({ layer: gru, mergeMode: 'sum' }).apply(x) as tfl.SymbolicTensor;
  const each = tfl.layers.dense({ units: 1, kernelRegularizer: l2() as never });
  x = tfl.layers.timeDistributed({ layer: each }).apply(x) as tfl.SymbolicTensor;
  x = tfl.layers.flatten().apply(x) as tfl.SymbolicTensor;
  return tfl.model({ inputs: input, outputs: x });
}

describe('what layers ask for themselves', () => {
  test('every regularizer counts, once for each weight', async () => {
    const run = new Run(regularized());
    const kernels = run.parameters.filter(({ role }) => role === 'kernel' || role === 'recurrent');
    // twice, inner, kernel and recurrent kernel of both directions, each.
    expect(kernels).toHaveLength(7);
    const expected = kernels.reduce(
      (sum, { variable }) => sum + half(variable.dataSync() as Float32Array),
      0,
    );
    const data = toyData({ size: 8 });
    const [first] = await train(run, { data, epochs: 1, loss: 'meanSquaredError' });
    expect(first.penalty).toBeCloseTo(expected, 4);
  });

  test.each([
    ['trained as they are', []],
    ['pruned', [{ plugin: gradual(0.5) }]],
    ['pruned and free to come back', [{ plugin: gradual(0.5, { revives: true }) }]],
  ])('constraints hold after each step: weights that are %s', async (_, schedules) => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.dense({
          name: 'a',
          units: 3,
          inputShape: [6],
          kernelConstraint: tfl.constraints.maxNorm({ maxValue: 0.25, axis: 0 }),
          biasConstraint: tfl.constraints.nonNeg(),
        }),
      ],
    });
    const run = new Run(model);
    const tensors = tf.memory().numTensors;
    await train(run, {
      data: toyData({ size: 8 }),
      epochs: 3,
      loss: 'meanSquaredError',
      learningRate: 0.3,
      schedules: schedules as never,
    });
    const norms = tf.tidy(() => tf.norm(run.parameter('a/kernel').variable, 2, 0).dataSync());
    for (const norm of norms) expect(norm).toBeLessThanOrEqual(0.2501);
    expect(Math.max(...norms)).toBeGreaterThan(0.1);
    for (const b of run.parameter('a/bias').variable.dataSync()) expect(b).toBeGreaterThanOrEqual(0);
    const masks = schedules.length;
    expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors + 4 * masks);
  });
});

test('a model keeps what TF.js leaves out of its JSON, wherever it is', async () => {
  const depth = (name: string, depthMultiplier: number): tfl.layers.Layer =>
    tfl.layers.separableConv2d({ name, filters: 2, kernelSize: 3, padding: 'same', depthMultiplier });
  const inner = tfl.sequential({ name: 'inner' });
  inner.add(
    tfl.layers.depthwiseConv2d({
      inputShape: [5, 5, 2],
      kernelSize: 1,
      depthwiseRegularizer: l2() as never,
      depthwiseConstraint: tfl.constraints.maxNorm({ maxValue: 7, axis: 0 }),
    }),
  );
  inner.add(depth('same', 3));
  const input = tfl.input({ shape: [5, 5, 2] });
  const x = depth('same', 2).apply(inner.apply(input)) as tfl.SymbolicTensor;
  const model = tfl.model({ inputs: input, outputs: x });
  const again = await tfl.models.modelFromJSON({ modelTopology: topologyOf(model) } as never);
  expect(again.weights.map(({ shape }) => shape)).toEqual(model.weights.map(({ shape }) => shape));
  expect(topologyOf(again)).toEqual(topologyOf(model));
  const [{ depthwiseConstraint }] = (again.getLayer('inner') as tfl.Sequential).layers as never as [
    { depthwiseConstraint: { getConfig(): object } },
  ];
  expect(depthwiseConstraint.getConfig()).toEqual({ maxValue: 7, axis: 0 });
});
