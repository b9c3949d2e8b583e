import type { EpochMetrics } from './metrics.js';
import type { Run } from './run.js';
import type { TrainOptions } from './train-options.js';
import { createTrainer } from './trainer.js';

/**
 * Trains a run for a whole stage and returns the metrics of every epoch.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1] })] });
 * const data = {
 *   size: 4,
 *   stepsPerEpoch: 1,
 *   batches: () => [{ inputs: tf.tensor2d([[0], [1], [2], [3]]), labels: tf.tensor2d([[1], [3], [5], [7]]) }],
 * };
 * const run = new Run(model);
 * const history = await train(run, { data, epochs: 200, loss: 'meanSquaredError', learningRate: 0.1 });
 * if (history[199].loss > 0.05) throw new Error(`loss ${history[199].loss}`); // y = 2x + 1
 * ```
 */
export async function train(run: Run, options: TrainOptions): Promise<readonly EpochMetrics[]> {
  const trainer = await createTrainer(run, options);
  try {
    while (!trainer.done) await trainer.nextEpoch();
    await trainer.finish();
    return trainer.history;
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}
