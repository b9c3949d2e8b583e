import type { Data } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

const seeded = (seed: number) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });

/** A dense net of one layer, the same each time. */
export const net = (): tfl.LayersModel =>
  tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 3, inputShape: [6], ...seeded(1) })] });

/** Two batches of it an epoch. */
export const data = (): Data => ({
  size: 8,
  stepsPerEpoch: 2,
  *batches(epoch: number) {
    for (const seed of [1, 2]) {
      yield {
        inputs: tf.randomNormal([4, 6], 0, 1, 'float32', 10 * epoch + seed),
        labels: tf.tensor2d([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0], [4, 3]),
      };
    }
  },
});
