import '@tensorflow/tfjs-backend-cpu';
import type { Data, Step } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Weight } from '../src/index.js';

export function write(weight: Weight, values: ArrayLike<number> | tf.Tensor): void {
  tf.tidy(() => {
    const tensor =
      values instanceof tf.Tensor ? values : tf.tensor(Float32Array.from(values), weight.val.shape);
    weight.val.assign(tensor);
  });
}

/** ‖a - b‖ / ‖b‖. */
export function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  if (a.length !== b.length) throw new Error(`${a.length} numbers, not ${b.length}`);
  return Math.sqrt(difference / norm);
}

export function stepAt(index: number, stepsPerEpoch: number, epochs: number, batch = 1): Step {
  const at = {
    epoch: Math.floor(index / stepsPerEpoch),
    step: index,
    stepsPerEpoch,
    start: 0,
    end: epochs,
    every: 1,
    index,
    count: epochs * stepsPerEpoch,
  };
  const labels = tf.zeros([batch, 1]);
  const activation = (): never => {
    throw new Error('not here');
  };
  return { at, inputs: labels, labels, outputs: labels, onLogits: false, activation };
}

/** Batches over fixed tensors. */
export function dataOf(inputs: tf.Tensor, labels: tf.Tensor, batchSize: number): Data {
  const size = inputs.shape[0];
  return {
    size,
    stepsPerEpoch: size / batchSize,
    *batches() {
      for (let i = 0; i < size; i += batchSize) {
        yield { inputs: tf.slice(inputs, [i], [batchSize]), labels: tf.slice(labels, [i], [batchSize]) };
      }
    },
  };
}
