import * as tf from '@tensorflow/tfjs-core';
import type { Shapes } from '../hyper-priors.js';
import type { HyperPriors } from '../loss.js';
import { halfLogTwoPi } from '../mixture.js';
import { registerHostKernels } from './host-kernels.js';
import { type Components, hasKernel, runKernel } from './kernel.js';
import { plainStatistics } from './plain.js';

/** The trained variables of a mixture of J components. */
export interface MixtureVariables {
  /** `[J - 1]` */
  readonly means: tf.Tensor;
  /** `[J]` */
  readonly logPrecisions: tf.Tensor;
  /** `[J - 1]` */
  readonly rhos: tf.Tensor;
  /** The logit of π_0, `[1]`, where it is learned. */
  readonly zeroLogit: tf.Tensor | undefined;
  /** π_0 where it is fixed. */
  readonly zeroShare: number;
}

/** The penalty of some weights. */
export interface MixturePenalty {
  /** scale · (-log p(weights) - log p(mixture)). */
  readonly value: tf.Scalar;
  /** Its gradients by the weights, the means, log-precisions and ρ, and the logit of π_0 where it is learned. */
  readonly slopes: readonly tf.Tensor[];
  /** How many weights the zero component takes most responsibility for, pruned ones left out. */
  readonly zeros: tf.Scalar;
}

registerHostKernels();

/** log π_0 and log(1 - π_0). */
function logShares({ zeroLogit, zeroShare }: MixtureVariables): [tf.Tensor1D, tf.Tensor1D] {
  if (zeroLogit === undefined)
    return [tf.tensor1d([Math.log(zeroShare)]), tf.tensor1d([Math.log1p(-zeroShare)])];
  return [tf.neg(tf.softplus(tf.neg(zeroLogit))), tf.neg(tf.softplus(zeroLogit))] as [
    tf.Tensor1D,
    tf.Tensor1D,
  ];
}

/** The Gamma priors' shapes and rates, [J]; where there is none, nothing comes of a = 1, b = 0. */
function gammas(hyper: HyperPriors, size: number): [tf.Tensor1D, tf.Tensor1D] {
  const none: Shapes = { a: 1, b: 0 };
  const shapes = Array.from(
    { length: size },
    (_, j) => (j === 0 ? hyper.zeroPrecision : hyper.precision) ?? none,
  );
  return [tf.tensor1d(shapes.map(({ a }) => 1 - a)), tf.tensor1d(shapes.map(({ b }) => b))];
}

/**
 * The penalty and its gradients (see `lossOf`, which is the same in plain numbers). Nothing is read: the weights are
 * seen by one kernel of the backend, and the rest is done on its sums, a few numbers per component. Within a tidy.
 *
 * @param held - How many weights are 0 because they are pruned.
 */
export function mixturePenalty(
  weights: readonly tf.Tensor[],
  variables: MixtureVariables,
  hyper: HyperPriors,
  held: tf.Scalar,
  scale: tf.Scalar,
): MixturePenalty {
  const { means, logPrecisions, rhos, zeroLogit } = variables;
  const size = logPrecisions.size;
  const [logZero, logOthers] = logShares(variables);
  const precisions = tf.exp(logPrecisions) as tf.Tensor1D;
  const logs = tf.concat([logZero, tf.add(tf.logSoftmax(rhos), logOthers)]);
  const components: Components = {
    means: tf.concat([tf.zeros([1]), means]) as tf.Tensor1D,
    offsets: tf.sub(tf.add(logs, tf.mul(logPrecisions, 0.5)), halfLogTwoPi) as tf.Tensor1D,
    precisions,
  };
  const see = hasKernel() ? runKernel : plainStatistics;
  const { sums, slopes } = see(components, weights, held, scale);
  const [loss, zeros, taken, first, second] = tf.split(sums, [1, 1, size, size, size]);
  const [a, b] = gammas(hyper, size); // 1 - a, and b
  const rates = tf.mul(precisions, b);
  const parts = [loss, tf.sum(tf.add(tf.mul(a, logPrecisions), rates))];
  const others = tf.slice(taken, 1);
  const all = tf.sum(others);
  const gradients = [
    tf.neg(tf.mul(tf.slice(precisions, 1), tf.slice(first, 1))),
    tf.add(tf.mul(tf.sub(tf.mul(precisions, second), taken), 0.5), tf.add(a, rates)),
    tf.sub(tf.mul(tf.softmax(rhos), all), others),
  ];
  if (zeroLogit !== undefined) {
    const share = tf.exp(logZero);
    let slope = tf.sub(tf.mul(share, all), tf.mul(tf.sub(1, share), tf.slice(taken, 0, 1)));
    if (hyper.zeroShare !== undefined) {
      const [p, q] = [hyper.zeroShare.a - 1, hyper.zeroShare.b - 1];
      parts.push(tf.neg(tf.add(tf.mul(logZero, p), tf.mul(logOthers, q))));
      slope = tf.add(slope, tf.sub(tf.mul(share, p + q), p));
    }
    gradients.push(slope);
  }
  const total = parts.reduce((x, y) => tf.add(x, y));
  return {
    value: tf.mul(tf.reshape(total, []), scale),
    slopes: [...slopes, ...gradients.map((gradient) => tf.mul(gradient, scale))],
    zeros: tf.reshape(zeros, []),
  };
}
