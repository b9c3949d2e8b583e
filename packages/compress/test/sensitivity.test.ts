import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { sensitivities } from '../src/calibrate/sensitivity.js';
import { load } from '../src/model/load.js';
import type { Executable } from '../src/model/model.js';
import { Stage } from '../src/time-budget.js';
import { artifactsOf, noise, pictureNet } from './models.js';

describe('sensitivities', () => {
  test('sensitivities are squared derivatives', async () => {
    const model = await load(await artifactsOf(pictureNet()));
    const input = noise([6, 12, 12, 3], 4);
    const found = await sensitivities(model, [[input]], ['out/bias'], [1]);
    // Of softmax: the mean over outputs of (p_i (d_ij - p_j))^2, by random signs.
    const [output] = await model.run([input]);
    const p = output.arraySync() as number[][];
    for (let j = 0; j < 5; j++) {
      let exact = 0;
      for (const row of p)
        for (let i = 0; i < 5; i++) exact += (row[i] * ((i === j ? 1 : 0) - row[j])) ** 2 / 30;
      const estimate = found.get('out/bias')?.[j] ?? 0;
      expect(estimate / exact).toBeGreaterThan(0.2);
      expect(estimate / exact).toBeLessThan(4);
    }
    // Of angles: Fisher's information of a softmax's bias is p (1 - p).
    const angles = await sensitivities(model, [[input]], ['out/bias'], [1], [true]);
    for (let j = 0; j < 5; j++) {
      const exact = p.reduce((sum, row) => sum + (row[j] * (1 - row[j])) / 30, 0);
      const estimate = angles.get('out/bias')?.[j] ?? 0;
      expect(estimate / exact).toBeGreaterThan(0.2);
      expect(estimate / exact).toBeLessThan(4);
    }
    tf.dispose([output, input]);
    model.dispose();
  });

  test('without a gradient tensors are moved one by one, or together where there is no time', async () => {
    const [a, b] = [noise([40], 1), noise([4, 5], 2)];
    let runs = 0;
    const model = {
      inputs: [],
      weights: new Map([
        ['a', a],
        ['b', b],
      ]),
      before: [],
      waits: false,
      // TopK has no gradient. The mean square of what comes out feels each `a` once, each `b` twice as much.
      run: async (_: unknown, values?: ReadonlyMap<string, tf.Tensor>) => {
        runs++;
        const [own, other] = [values?.get('a') ?? a, values?.get('b') ?? b];
        return [
          tf.tidy(() => tf.topk(tf.concat([own, tf.mul(2, tf.reshape(other, [20]))]), 60, false).values),
        ];
      },
      dispose: () => {},
    } as Executable;
    const before = tf.memory().numTensors;
    const means = async (stage?: Stage): Promise<number[]> => {
      const found = await sensitivities(model, [[]], ['a', 'b'], [1], [], stage);
      return ['a', 'b'].map((name) => {
        const all = found.get(name) as Float64Array;
        return all.reduce((sum, v) => sum + v, 0) / all.length;
      });
    };
    const [ofA, ofB] = await means();
    expect([ofA / (1 / 60), ofB / (4 / 60)].every((ratio) => ratio > 0.4 && ratio < 2.5)).toBe(true);
    // The gradient that failed, the original, and each.
    expect(runs).toBe(4);
    runs = 0;
    const together = await means(new Stage(() => 1, 0, 1));
    expect(runs).toBe(3);
    expect(together.every((v) => v > 0.2 / 60 && v < 10 / 60)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([a, b]);
  });
});
