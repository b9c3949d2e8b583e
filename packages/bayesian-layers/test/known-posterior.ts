import '@tensorflow/tfjs-backend-cpu';
import { once, Run, type Running } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect } from 'vitest';
import { type GroupPriorOptions, type GroupSession, groupNormalJeffreys } from '../src/index.js';

export type Numbers = readonly number[];

export const means = [1, 2, 0.5, 0.25, -1, 3];
export const logVariances = [-1, -2, -3, -0.5, -1.5, -2.5];
export const biases = [0.5, -2];
export const biasLogVariances = [-2, -1];

/** A layer of three inputs and two outputs. */
export function layer(): Run {
  const run = new Run(
    tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 2, inputShape: [3] })] }),
    { seed: 1 },
  );
  write(run.parameter('fc/kernel').variable, means);
  write(run.parameter('fc/bias').variable, biases);
  return run;
}

export function write(variable: tf.Variable, values: Numbers): void {
  tf.tidy(() => variable.assign(tf.tensor(Float32Array.from(values), variable.shape)));
}

/** A session whose posterior is known: scales with these log α. */
export async function posterior(run: Run, options: GroupPriorOptions, logRates: Numbers) {
  const running = (await run.start(groupNormalJeffreys({ frames: false, ...options }), {
    parameters: 'fc/kernel',
  })) as Running<GroupSession>;
  const groups = running.session.trainables?.() ?? [];
  const of = (name: string) => groups.find((group) => group.name === `fc/kernel/${name}`)?.variables ?? [];
  const [kernel, bias] = of('variances');
  write(kernel, logVariances);
  write(bias, biasLogVariances);
  write(of('scales')[0], logRates);
  return running;
}

export const close = (found: ArrayLike<number> | undefined, expected: Numbers, digits = 5): void => {
  expect(found?.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(found?.[i]).toBeCloseTo(value, digits);
};

/** Var[w z] of independent w = μ + σ ε and z of mean 1 and variance α, from the second moments: E[w²] E[z²] - μ². */
export const product = (mean: number, variance: number, alpha: number): number =>
  (mean ** 2 + variance) * (1 + alpha) - mean ** 2;

export const epochEnd = (session: GroupSession): unknown =>
  session.epochEnd?.({ ...once(), stepsPerEpoch: 1 });

/** Standard deviations of the outputs for inputs of 1, over many draws. */
export function deviations(run: Run, session: GroupSession): Float32Array {
  return tf.tidy(() => {
    const x = tf.ones([20_000, 3]);
    const drawn = session.forward(once(), () => run.model.apply(x, { training: true }) as tf.Tensor);
    return tf.sqrt(tf.moments(drawn, 0).variance).dataSync() as Float32Array;
  });
}

/** The penalty at a part of the schedule. */
export function penalty(session: GroupSession, done: number, batch = 4): number {
  return tf.tidy(() => {
    const labels = tf.zeros([batch, 2]);
    const at = { ...once(), end: 10, stepsPerEpoch: 10, index: 100 * done, count: 100 };
    const step = { at, inputs: tf.zeros([batch, 3]), labels, outputs: labels, onLogits: false };
    const found = session.penalty(step);
    return (found instanceof tf.Tensor ? found : found.value).dataSync()[0];
  });
}
