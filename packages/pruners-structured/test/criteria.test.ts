import { type Data, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { type StructuredLevelOptions, structuredLevel } from '../src/index.js';
import { graph, mask, on, write } from './models.js';

type More = Omit<StructuredLevelOptions, 'sparsity' | 'structure'>;

/** Which structures of a layer stay when one of three goes after an epoch in which nothing is learned. */
async function kept(run: Run, data: Data, of: string, structure: 'filters' | 'units', more: More) {
  const plugin = structuredLevel({ structure, sparsity: 1 / 3, ...more });
  await train(run, {
    data,
    epochs: 2,
    loss: 'meanSquaredError',
    optimizer: { name: 'sgd' },
    learningRate: 1e-12,
    schedules: [{ plugin, parameters: of }],
  });
  return mask(run, of).slice(0, 3);
}

/** Steps with inputs of their own, the same in every epoch; all is to be 0. */
function steps(...inputs: readonly tf.Tensor[]): Data {
  return {
    size: inputs.length,
    stepsPerEpoch: inputs.length,
    *batches() {
      for (const x of inputs) yield { inputs: tf.clone(x), labels: tf.zeros([x.shape[0], 1]) };
    },
  };
}

describe('activations', () => {
  const pixels = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);

  function filters(batchNorm: boolean): Run {
    return new Run(
      graph([2, 2, 1], (x) => {
        x = on(layers.conv2d({ name: 'conv', filters: 3, kernelSize: 1, useBias: false }), x);
        if (batchNorm) x = on(layers.batchNormalization({ name: 'bn' }), x);
        x = on(layers.activation({ name: 'act', activation: 'relu' }), x);
        return on(layers.dense({ name: 'fc', units: 1 }), on(layers.flatten(), x));
      }),
      { seed: 1 },
    );
  }

  test.each([
    [1, [0, 1, 1]],
    [2, [0, 1, 1]],
    [3, [1, 1, 0]],
    [4, [1, 1, 0]],
    [undefined, [1, 1, 0]],
  ] as const)('of the last %s steps before the firing count, no others', async (batches, expected) => {
    const run = filters(false);
    write(run.parameter('conv/kernel'), [1, -1, -0.5]);
    // Means of relu(w x): [25, 0, 0] in each of the first two steps, [0, 2.5, 1.25] in each of the last two.
    const [up, down] = tf.tidy(() => [tf.mul(pixels, 10), tf.neg(pixels)]);
    const data = steps(up, up, down, down);
    const more = { criterion: 'mean-activation', ...(batches && { batches }) } as const;
    expect(await kept(run, data, 'conv/kernel', 'filters', more)).toEqual(expected);
    tf.dispose([up, down]);
  });

  test('are those of inference: batch normalisation takes its moving statistics', async () => {
    const run = filters(true);
    write(run.parameter('conv/kernel'), [3, 1, 2]);
    // With mean 0 and variance 1: 2.5 times 3, 1.5 and 2.4. Of the batch itself only the scales would be left.
    write(run.parameter('bn/gamma'), [1, 1.5, 1.2]);
    const data = steps(pixels, pixels);
    const more = { criterion: 'mean-activation' } as const;
    expect(await kept(run, data, 'conv/kernel', 'filters', more)).toEqual([1, 0, 1]);
  });

  test('are those of inference: dropout drops nothing', async () => {
    const run = new Run(
      graph([4], (x) => {
        x = on(layers.dropout({ rate: 0.75, seed: 1 }), x);
        x = on(layers.dense({ name: 'a', units: 3, useBias: false, activation: 'relu' }), x);
        return on(layers.dense({ name: 'b', units: 1 }), x);
      }),
      { seed: 1 },
    );
    // Inputs of 1: sums 1, 1.02 and 1.01 over four weights of which dropout would leave one or so.
    write(run.parameter('a/kernel'), [0, 1.02, 0.25, 1, 0, 0.25, 0, 0, 0.26, 0, 0, 0.25]);
    const ones = tf.ones([1, 4]);
    const more = { criterion: 'mean-activation' } as const;
    expect(await kept(run, steps(ones, ones, ones), 'a/kernel', 'units', more)).toEqual([0, 1, 1]);
  });
});

test('taylor: weights that make up for each other do not matter, however large', async () => {
  const run = new Run(
    graph([2], (x) => {
      x = on(layers.dense({ name: 'a', units: 3, useBias: false }), x);
      return on(layers.dense({ name: 'b', units: 1, useBias: false }), x);
    }),
    { seed: 1 },
  );
  // Units are 3 - 2.9, 0.5 + 0.5 and 1 + 1 for inputs of 1 and -1: Σ w · dL/dw is dL/dz · z.
  write(run.parameter('a/kernel'), [3, 0.5, 1, 2.9, -0.5, -1]);
  write(run.parameter('b/kernel'), [1, 1, 1]);
  const x = tf.tensor2d([[1, -1]]);
  expect(await kept(run, steps(x, x), 'a/kernel', 'units', { criterion: 'taylor' })).toEqual([0, 1, 1]);
});
