import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from './executable.js';
import type { Layout } from './layout.js';
import { linearCall } from './linear.js';
import { WeightFinder } from './trace.js';

/** Second moments of what a linear operation's rows are multiplied with, the last row being a constant 1. */
export interface Gram {
  /** Rows, the constant one included. */
  readonly size: number;
  /** `[groups, size, size]`: mean over positions of feature x feature. */
  readonly moments: Float64Array;
}

/** Positions that a row's moments are taken from, at least where there are so many. */
const positionsPerRow = 40;
const leastPositions = 2 ** 14;

/** Runs the model on all batches and gathers the second moments of the features of `linear` weights. */
export function gather(
  model: Executable,
  batches: readonly Examples[],
  linear: ReadonlyMap<string, Layout>,
  twins: ReadonlyMap<string, string>,
): Map<string, Gram> {
  const sums = new Map<string, Float64Array>();
  const positions = new Map<string, number>();
  const finder = new WeightFinder(model.weights, twins);
  for (const batch of batches) {
    const outputs = model.run(batch, undefined, (call, results) => {
      finder.follow(call, results);
      const found = linearCall(call, (tensor) => linear.has(finder.name(tensor) ?? ''));
      if (!found) return;
      const name = finder.name(found.weight) as string;
      const { rows } = found.layout;
      const most = Math.ceil(Math.max(leastPositions, positionsPerRow * rows.length) / batches.length);
      let seen = 0;
      const moments = tf.tidy(() => {
        const features = found.features(most);
        seen = features.shape[1];
        const whole = tf.concat([features, tf.ones([features.shape[0], seen, 1])], 2);
        return tf.matMul(whole, whole, true, false).dataSync();
      });
      const sum = sums.get(name) ?? new Float64Array(moments.length);
      for (let i = 0; i < sum.length; i++) sum[i] += moments[i];
      sums.set(name, sum);
      positions.set(name, (positions.get(name) ?? 0) + seen);
    });
    tf.dispose(outputs);
  }
  const grams = new Map<string, Gram>();
  for (const [name, sum] of sums) {
    const count = positions.get(name) as number;
    const { rows } = linear.get(name) as Layout;
    grams.set(name, { size: rows.length + 1, moments: sum.map((x) => x / count) });
  }
  return grams;
}
