import '@tensorflow/tfjs-backend-cpu';
import { type Data, Run, type Step } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** A run over one kernel `fc/kernel` of shape [n, 1] with given weights. */
export function runOf(weights: ArrayLike<number>): Run {
  const model = tfl.sequential({
    layers: [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [weights.length], useBias: false })],
  });
  const run = new Run(model, { seed: 1 });
  assign(run.parameters[0].variable, weights);
  return run;
}

export function assign(variable: tf.Variable, values: ArrayLike<number>): void {
  tf.tidy(() => variable.assign(tf.tensor(Float32Array.from(values), variable.shape)));
}

/** A step of a stage of `epochs` epochs of one step each, with a batch of one example. */
export function stepAt(index: number, epochs = 1): Step {
  const at = {
    epoch: index,
    step: index,
    stepsPerEpoch: 1,
    start: 0,
    end: epochs,
    every: 1,
    index,
    count: epochs,
  };
  const none = tf.zeros([1, 1]);
  return { at, inputs: none, labels: none, outputs: none, onLogits: false, activation: () => none };
}

/** Regression on random inputs of which a few matter. */
export function regression(size: number, examples = 128): Data {
  const truth = Array.from({ length: size }, (_, i) => (i % 8 === 0 ? 0.5 : i % 8 === 4 ? -0.3 : 0));
  return {
    size: examples,
    stepsPerEpoch: 2,
    *batches(epoch) {
      for (let i = 0; i < 2; i++) {
        const inputs = tf.randomNormal([examples / 2, size], 0, 1, 'float32', 10 * epoch + i + 1);
        yield {
          inputs,
          labels: tf.tidy(() => tf.matMul(inputs as tf.Tensor2D, tf.tensor2d(truth, [size, 1]))),
        };
      }
    },
  };
}

/** Pseudo-random standard normal numbers. */
export function normals(count: number, seed: number): Float32Array {
  return tf.tidy(() => tf.randomNormal([count], 0, 1, 'float32', seed).dataSync().slice()) as Float32Array;
}

/** ‖a - b‖ / ‖b‖. */
export function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}
