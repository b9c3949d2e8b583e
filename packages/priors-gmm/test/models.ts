import '@tensorflow/tfjs-backend-cpu';
import { type Data, type KnownPenalty, Run, type Running, type Step } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { gaussianMixturePrior, type MixturePriorOptions, type MixtureSession } from '../src/index.js';

/** A run over one kernel `fc/kernel` of shape [n, 1] with given weights. */
export function runOf(weights: ArrayLike<number>): Run {
  const model = tfl.sequential({
    layers: [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [weights.length], useBias: false })],
  });
  const run = new Run(model, { seed: 1 });
  assign(run.parameters[0].variable, weights);
  return run;
}

/** A prior started on the kernels of a run. */
export function started(run: Run, options: MixturePriorOptions = {}): Running<MixtureSession> {
  return run.start(gaussianMixturePrior(options)) as Running<MixtureSession>;
}

/** The penalty of a session at a step: its value, and its gradients by variables. */
export function penaltyOf(
  { session }: Running<MixtureSession>,
  step: Step,
  variables: readonly tf.Variable[],
): { value: number; grads: number[][] } {
  const { value, gradients } = tf.tidy(() => {
    const penalty = session.penalty(step) as KnownPenalty;
    tf.keep(penalty.value);
    for (const gradient of penalty.gradients.values()) tf.keep(gradient);
    return penalty as never;
  }) as KnownPenalty;
  const numbers = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
  const [[number]] = [numbers(value)];
  const grads = variables.map((variable) => numbers(gradients.get(variable)!));
  tf.dispose([value, ...gradients.values()]);
  return { value: number, grads };
}

/** The variables of a session's mixtures, in its order: means, log-precisions, ρ, the logit of π_0. */
export function variablesOf({ session }: Running<MixtureSession>): tf.Variable[] {
  return session.trainables!().flatMap((group) => group.variables);
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
  return { at, inputs: none, labels: none, outputs: none, onLogits: false };
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
