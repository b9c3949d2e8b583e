import '@tensorflow/tfjs-backend-cpu';
import { type Data, type KnownPenalty, type Run, readLater, type Step } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { BayesianWeight, HorseshoeOptions } from '../src/index.js';
import { LayerPosterior } from '../src/internal/layer-posterior.js';
import { startNumbers, startOf } from '../src/internal/layer-start.js';
import { resolve } from '../src/options.js';

export function write(weight: BayesianWeight, values: ArrayLike<number> | tf.Tensor): void {
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
  return { at, inputs: labels, labels, outputs: labels, onLogits: false };
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

/** A posterior over the first layer of a run. */
export async function posteriorOver(
  run: Run,
  owner: 'groupNormalJeffreys' | 'groupHorseshoe',
  options: HorseshoeOptions = {},
): Promise<LayerPosterior> {
  const [kernel, bias] = run.parameters;
  const resolved = resolve(owner, options, owner === 'groupHorseshoe');
  return readLater(
    () => startOf(kernel, resolved),
    (seen) => new LayerPosterior(kernel, bias, resolved, startNumbers(kernel, bias, resolved, seen)),
  );
}

/** The numbers of a penalty: its value, and its gradients by variables. */
export async function numbersOf(
  penalty: () => KnownPenalty,
  variables: readonly tf.Variable[],
): Promise<{ value: number; grads: Float32Array[] }> {
  return readLater(
    () => {
      const { value, gradients } = penalty();
      return { value, grads: variables.map((variable) => gradients.get(variable)!) };
    },
    ({ value, grads }) => ({ value: value[0], grads: [...grads] }),
  );
}
