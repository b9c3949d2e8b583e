import * as tf from '@tensorflow/tfjs-core';
import type { Examples, Executable } from '../model/model.js';
import { perProduct, type Stage, spend } from '../time-budget.js';
import type { Layout } from '../trace/layout.js';
import { linearCall } from '../trace/linear-call.js';
import { WeightFinder } from '../trace/weight-finder.js';
import { productRate } from './cost.js';
import { Moments } from './moments.js';

/** Positions that a row's moments are taken from, at least where there are so many; and how few may do. */
const positionsPerRow = 40;
const leastPerRow = 4;
const leastPositions = 2 ** 14;

/** Positions for each row, so that all products of features take about so many seconds. */
function perRow(linear: ReadonlyMap<string, Layout>, seconds: number, counted: boolean): number {
  if (!Number.isFinite(seconds)) return positionsPerRow;
  let products = 0;
  for (const { rows, groups } of linear.values()) products += groups.length * rows.length ** 3;
  return Math.max(leastPerRow, Math.min(positionsPerRow, (seconds * productRate(counted)) / products));
}

/** Runs the model on all batches and gathers the second moments of the features of `linear` weights. */
export async function gather(
  model: Executable,
  batches: readonly Examples[],
  linear: ReadonlyMap<string, Layout>,
  twins: ReadonlyMap<string, string>,
  stage: Stage,
): Promise<Map<string, Moments>> {
  const sums = new Map<string, Moments>();
  const finder = new WeightFinder(model.weights, twins);
  const each = perRow(linear, stage.left / 2, stage.counted);
  for (const batch of batches) {
    if (!stage.fits()) break;
    const outputs = await model.run(batch, undefined, (call, results) => {
      finder.follow(call, results);
      const found = linearCall(call, (tensor) => linear.has(finder.name(tensor) ?? ''));
      if (!found) return;
      const name = finder.name(found.weight) as string;
      const { rows } = found.layout;
      const most = Math.ceil(Math.max(leastPositions, each * rows.length) / batches.length);
      const sum = sums.get(name) ?? new Moments();
      sums.set(name, sum);
      tf.tidy(() => {
        const features = found.features(most);
        // The halves hold different examples, or different parts of one.
        const half = Math.ceil(features.shape[1] / 2);
        spend(perProduct * features.size * rows.length);
        for (const part of tf.split(features, [half, features.shape[1] - half], 1)) {
          if (part.size > 0) sum.add(part as tf.Tensor3D);
        }
      });
    });
    tf.dispose(outputs);
  }
  return sums;
}
