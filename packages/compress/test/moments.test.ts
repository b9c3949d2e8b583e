import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type Gram, Moments } from '../src/calibrate/moments.js';
import { chooseDoubt, leastDoubt } from '../src/plan/shrinkage.js';
import { rowMajor } from '../src/trace/layout.js';
import { noise } from './models.js';

/** Moments of parts, and no tensor left behind. */
function momentsOf(parts: readonly tf.Tensor[]): Gram {
  const before = tf.memory().numTensors;
  const moments = new Moments();
  for (const part of parts) moments.add(part as tf.Tensor3D);
  const gram = moments.finish();
  expect(tf.memory().numTensors).toBe(before);
  return gram as Gram;
}

/** `count` parts of `positions` features that have a share of their variance in common. */
function partsWith(common: number, count: number, positions: number, rows = 24): tf.Tensor[] {
  return Array.from({ length: count }, (_, i) =>
    tf.tidy(() =>
      tf.add(
        tf.mul(Math.sqrt(1 - common), noise([1, positions, rows], 2 * i + 1)),
        tf.mul(Math.sqrt(common), noise([1, positions, 1], 2 * i + 2)),
      ),
    ),
  );
}

describe('moments', () => {
  test('are those of all positions, of each group, and of the parts apart', () => {
    const parts = [1, 2, 3].map((seed) => tf.tidy(() => tf.add(noise([2, 40 * seed, 5], seed), 1)));
    const { size, moments, split, positions } = momentsOf(parts);
    expect([size, positions]).toEqual([6, 240]);
    const direct = (features: tf.Tensor): Float32Array =>
      tf.tidy(() => {
        const count = features.shape[1] as number;
        const whole = tf.concat([features, tf.ones([2, count, 1])], 2);
        return tf.div(tf.matMul(whole, whole, true), count).dataSync() as Float32Array;
      });
    const near = (found: Float64Array | undefined, exact: Float32Array): void => {
      expect(found?.length).toBe(exact.length);
      exact.forEach((x, i) => {
        expect(found?.[i]).toBeCloseTo(x, 4);
      });
    };
    const all = tf.concat(parts, 1);
    const most = tf.concat([parts[0] as tf.Tensor, parts[2] as tf.Tensor], 1);
    near(moments, direct(all));
    near(split?.[0], direct(most));
    near(split?.[1], direct(parts[1] as tf.Tensor));
    tf.dispose([...parts, all, most]);
  });

  test('of nothing are none, and each sum is read once', () => {
    const none = new Moments();
    expect(none.finish()).toBeUndefined();
    none.add(tf.tidy(() => tf.ones([1, 2, 3])));
    expect(none.finish()?.positions).toBe(2);
    expect(none.finish()).toBeUndefined();
  });

  test('are added up in float64: what float32 loses beside what is large stays', () => {
    const parts = Array.from({ length: 9 }, (_, i) => tf.fill([1, 1, 1], i === 0 ? 2 ** 12 : 1));
    // Of nine parts the second and the sixth are set apart.
    const [learned, checked] = momentsOf(parts).split ?? [];
    expect((learned?.[0] as number) * 7).toBe(2 ** 24 + 6);
    expect(checked).toEqual(new Float64Array(4).fill(1));
    tf.dispose(parts);
  });

  test('of one part are not split', () => {
    const [part] = partsWith(0, 1, 30);
    expect(momentsOf([part as tf.Tensor]).split).toBeUndefined();
    part?.dispose();
  });
});

describe('doubt', () => {
  const doubtOf = (parts: tf.Tensor[]): number => {
    const { size, split } = momentsOf(parts);
    tf.dispose(parts);
    const [learned, checked] = split as [Float64Array, Float64Array];
    return chooseDoubt(rowMajor(24, 16), { size, biased: true, learned, checked });
  };

  test('is great where covariances are chance, and small where they hold for examples set apart', () => {
    expect(doubtOf(partsWith(0, 8, 12))).toBeGreaterThanOrEqual(0.3);
    expect(doubtOf(partsWith(0.999, 8, 4000))).toBeLessThanOrEqual(0.01);
  });

  test('falls with the number of positions for each row, from 1 to a thousandth', () => {
    expect(leastDoubt(1280, 96)).toBeCloseTo(0.286, 3);
    expect(leastDoubt(576, 40 * 576)).toBe(0.001);
    expect(leastDoubt(10, 0)).toBe(1);
  });
});
