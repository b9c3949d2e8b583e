import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from './executable.js';
import type { Layout } from './layout.js';
import { linearCall } from './linear.js';
import { Moments } from './moments.js';
import { WeightFinder } from './trace.js';

/** Positions that a row's moments are taken from, at least where there are so many. */
const positionsPerRow = 40;
const leastPositions = 2 ** 14;

/** Runs the model on all batches and gathers the second moments of the features of `linear` weights; the caller disposes them. */
export async function gather(
  model: Executable,
  batches: readonly Examples[],
  linear: ReadonlyMap<string, Layout>,
  twins: ReadonlyMap<string, string>,
): Promise<Map<string, Moments>> {
  const sums = new Map<string, Moments>();
  const finder = new WeightFinder(model.weights, twins);
  try {
    for (const batch of batches) {
      const outputs = await model.run(batch, undefined, (call, results) => {
        finder.follow(call, results);
        const found = linearCall(call, (tensor) => linear.has(finder.name(tensor) ?? ''));
        if (!found) return;
        const name = finder.name(found.weight) as string;
        const { rows } = found.layout;
        const most = Math.ceil(Math.max(leastPositions, positionsPerRow * rows.length) / batches.length);
        const sum = sums.get(name) ?? new Moments();
        sums.set(name, sum);
        tf.tidy(() => {
          const features = found.features(most);
          // The halves hold different examples, or different parts of one.
          const half = Math.ceil(features.shape[1] / 2);
          for (const part of tf.split(features, [half, features.shape[1] - half], 1)) {
            if (part.size > 0) sum.add(part as tf.Tensor3D);
          }
        });
      });
      tf.dispose(outputs);
    }
    return sums;
  } catch (error) {
    for (const sum of sums.values()) sum.dispose();
    throw error;
  }
}
