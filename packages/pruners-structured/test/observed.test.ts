import { createTrainer, Run, randomUniform, type TrainOptions, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { inside } from '../src/graph/inside.js';
import { type StructuredAgpOptions, structuredAgp, structuredLevel } from '../src/index.js';
import { patches } from '../src/reconstruct/patches.js';
import { fixed, graph, mask, normal, on, weights, write } from './models.js';

/** Three filters of one weight, ReLU, and a dense layer; inputs are four pixels. */
function small(): Run {
  const run = new Run(
    graph([2, 2, 1], (x) => {
      x = on(layers.conv2d({ name: 'conv', filters: 3, kernelSize: 1 }), x);
      x = on(layers.activation({ name: 'act', activation: 'relu' }), x);
      return on(layers.dense({ name: 'fc', units: 1 }), on(layers.flatten(), x));
    }),
    { seed: 3 },
  );
  write(run.parameter('conv/kernel'), [1, 1, 1]);
  return run;
}

const pixels = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
const still = (over: Partial<TrainOptions> = {}): TrainOptions => ({
  data: fixed(pixels, tf.zeros([1, 1]), 4),
  epochs: 2,
  loss: 'meanSquaredError',
  optimizer: { name: 'sgd' },
  learningRate: 1e-12, // The weights stay as they are.
  ...over,
});

const once = async (
  run: Run,
  options: Omit<StructuredAgpOptions, 'structure' | 'final'>,
): Promise<number[]> => {
  const plugin = structuredLevel({ structure: 'filters', sparsity: 1 / 3, ...options });
  await train(run, still({ schedules: [{ plugin, parameters: 'conv/kernel' }] }));
  return mask(run, 'conv/kernel');
};

describe('what is observed', () => {
  test('apoz: the filter with the most zeros goes', async () => {
    const run = small();
    write(run.parameter('conv/bias'), [-1.5, -3.5, 100]); // 3 of 4 positive, 1 of 4, all
    expect(await once(run, { criterion: 'apoz' })).toEqual([1, 0, 1]);
  });

  test('mean activation: the lowest one goes', async () => {
    const run = small();
    // Sums of relu(x + b) over the pixels: 0.5+1.5+2.5 = 4.5; 10·4; -2: 0+0+1+2 = 3.
    write(run.parameter('conv/bias'), [-1.5, 7.5, -2]);
    expect(await once(run, { criterion: 'mean-activation' })).toEqual([1, 1, 0]);
  });

  test('taylor: |w · dL/dw|, whatever its sign', async () => {
    const run = small();
    const k = [0.5, -3, 0.1];
    write(run.parameter('fc/kernel'), [...k, ...k, ...k, ...k]);
    // y = Σ_f k_f · 10, all of one sign; w·g = 2 y k_f · 10: the second is most negative and most important.
    expect(await once(run, { criterion: 'taylor' })).toEqual([1, 1, 0]);
  });

  test('a schedule that fires once has seen nothing, and says so', async () => {
    const plugin = structuredLevel({ structure: 'filters', sparsity: 0.5, criterion: 'apoz' });
    const schedules = [{ plugin, parameters: 'conv/kernel', end: 1 }];
    await expect(train(small(), still({ schedules }))).rejects.toThrow(
      'has observed nothing when it last fires',
    );
  });

  test('apoz needs an activation', () => {
    const run = new Run(
      graph([2], (x) =>
        on(layers.dense({ name: 'b', units: 1 }), on(layers.dense({ name: 'a', units: 2 }), x)),
      ),
    );
    const plugin = structuredLevel({ structure: 'units', sparsity: 0.5, criterion: 'apoz' });
    expect(() => plugin.check?.(run, run.select('a/kernel'))).toThrow('no activation follows a');
  });
});

describe('reconstruction', () => {
  /** A layer whose third input is twice the first plus 1, and one more that is independent. */
  function redundant(): Run {
    const run = new Run(
      graph([2], (x) => {
        x = on(layers.dense({ name: 'a', units: 3 }), x);
        return on(layers.dense({ name: 'b', units: 2 }), x);
      }),
      { seed: 5 },
    );
    write(run.parameter('a/kernel'), [1, 0, 2, 0, 1, 0]);
    write(run.parameter('a/bias'), [0, 0, 1]);
    write(run.parameter('b/kernel'), [1, 2, 3, 4, 5, 6]);
    write(run.parameter('b/bias'), [0.1, 0.2]);
    return run;
  }

  test('what is a combination of the rest goes without a trace', async () => {
    const run = redundant();
    const x = normal([64, 2], 1);
    const before = run.model.predict(x) as tf.Tensor;
    const plugin = structuredLevel({
      structure: 'units',
      sparsity: 1 / 3,
      criterion: () => [1, 1, 0],
      reconstruct: { ridge: 1e-9 },
    });
    const data = fixed(x, tf.zeros([64, 2]), 4);
    await train(run, still({ data, schedules: [{ plugin, parameters: 'a/kernel' }] }));
    expect(mask(run, 'b/kernel')).toEqual([1, 1, 1, 1, 0, 0]);
    // W' = W + [2, 0]ᵀ w₃, b' = b + w₃.
    for (const [i, w] of [11, 14, 3, 4, 0, 0].entries())
      expect(weights(run, 'b/kernel')[i]).toBeCloseTo(w, 3);
    for (const [i, b] of [5.1, 6.2].entries()) expect(weights(run, 'b/bias')[i]).toBeCloseTo(b, 3);
    const after = run.model.predict(x) as tf.Tensor;
    expect(tf.max(tf.abs(tf.sub(before, after))).dataSync()[0]).toBeLessThan(1e-3);
  });

  test.each([
    ['same', 1],
    ['same', 2],
    ['valid', 2],
  ] as const)(
    'a filter that is twice another goes without a trace (%s, stride %d)',
    async (padding, strides) => {
      const run = new Run(
        graph([7, 7, 2], (x) => {
          x = on(layers.conv2d({ name: 'a', filters: 4, kernelSize: 3, useBias: false }), x);
          x = on(layers.conv2d({ name: 'b', filters: 3, kernelSize: 3, padding, strides }), x);
          return on(layers.dense({ name: 'c', units: 2 }), on(layers.flatten(), x));
        }),
        { seed: 2 },
      );
      for (const [i, p] of run.parameters.entries())
        write(p, Array.from(normal([p.size], 10 + i).dataSync()));
      const kernel = weights(run, 'a/kernel');
      write(
        run.parameter('a/kernel'),
        kernel.map((w, i) => (i % 4 === 3 ? 2 * kernel[i - 3] : w)),
      );
      const x = normal([32, 7, 7, 2], 3);
      const before = run.model.predict(x) as tf.Tensor;
      const plugin = structuredLevel({
        structure: 'filters',
        sparsity: 0.25,
        criterion: () => [1, 1, 1, 0],
        reconstruct: { ridge: 1e-9, positions: 16 },
      });
      const data = fixed(x, tf.zeros([32, 2]), 6);
      await train(run, still({ data, schedules: [{ plugin, parameters: 'a/kernel' }] }));
      expect(mask(run, 'a/kernel').slice(0, 4)).toEqual([1, 1, 1, 0]);
      const after = run.model.predict(x) as tf.Tensor;
      const scale = tf.max(tf.abs(before)).dataSync()[0];
      expect(tf.max(tf.abs(tf.sub(before, after))).dataSync()[0] / scale).toBeLessThan(1e-3);
    },
  );

  test.each([
    ['same', 1, 2],
    ['valid', 1, 3],
    ['same', 2, 1],
    ['valid', 2, 1],
  ] as const)(
    'patches times the kernel are outputs (%s, stride %d, dilation %d)',
    (padding, strides, dilationRate) => {
      const layer = layers.conv2d({
        filters: 1,
        kernelSize: [3, 2],
        padding,
        strides,
        dilationRate,
        useBias: false,
      });
      const x = normal([1, 8, 9, 2], 3);
      const outputs = [...(layer.apply(x) as tf.Tensor).dataSync()];
      const rows = patches(inside(layer), x, 40, randomUniform(1));
      const products = tf.matMul(rows, tf.reshape(layer.getWeights()[0], [12, 1])).dataSync();
      for (const product of products) {
        expect(Math.min(...outputs.map((output) => Math.abs(output - product)))).toBeLessThan(1e-5);
      }
      expect(new Set(products).size).toBeGreaterThan(8);
    },
  );

  test('readers that it cannot fit are refused', () => {
    const run = new Run(
      graph([3, 2], (x) => {
        x = on(layers.dense({ name: 'a', units: 3 }), x);
        return on(layers.simpleRNN({ name: 'rnn', units: 1, recurrentInitializer: 'zeros' }), x);
      }),
    );
    const plugin = structuredLevel({ structure: 'units', sparsity: 0.5, reconstruct: true });
    expect(() => plugin.check?.(run, run.select('a/kernel'))).toThrow('cannot reconstruct rnn/kernel');
  });
});

test('a stage that is saved in the middle goes on to the same masks and weights', async () => {
  const options = (): TrainOptions => {
    const agp = structuredAgp({
      structure: 'filters',
      final: 2 / 3,
      criterion: 'mean-activation',
      reconstruct: true,
    });
    return still({ epochs: 4, learningRate: 0.01, schedules: [{ plugin: agp, parameters: 'conv/kernel' }] });
  };
  const start = (): Run => {
    const run = small();
    for (const [i, p] of run.parameters.entries()) write(p, Array.from(normal([p.size], 20 + i).dataSync()));
    return run;
  };
  const whole = start();
  await train(whole, options());
  const first = start();
  const trainer = await createTrainer(first, options());
  await trainer.nextEpoch();
  await trainer.nextEpoch();
  const [runState, trainerState] = [await first.save(), await trainer.save()];
  trainer.dispose();
  const second = start();
  second.load(runState);
  const resumed = await createTrainer(second, options(), trainerState);
  while (!resumed.done) await resumed.nextEpoch();
  await resumed.finish();
  for (const { name } of whole.parameters) expect(weights(second, name)).toEqual(weights(whole, name));
  expect(mask(second, 'conv/kernel').filter((m) => m === 1)).toHaveLength(1);
});
