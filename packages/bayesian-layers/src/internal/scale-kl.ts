import * as tf from '@tensorflow/tfjs-core';
import { logNormal, logUniform } from '../math/kl-terms.js';
import { hasKernel, runKernel } from './kernels.js';

/** The KL divergence of scales from their prior, and what follows for the weights. */
export interface ScaleKl {
  /** Nats: the scales' own, and of the weights' what depends on z², Σ ½ ((μ² + σ²)/z² - 1 + log z²). */
  readonly value: tf.Tensor;
  /** 1/z² of each group, for the weights' gradients; 0 where it is pruned. */
  readonly rate: tf.Tensor;
  /** Gradients of the whole by the variables, in their order. */
  readonly gradients: readonly tf.Tensor[];
}

/** What the scales' KL is told of the weights, one number for each group. */
export interface GroupWeights {
  /** Σ (μ² + σ²). */
  readonly energy: tf.Tensor;
  /** Weights that take part; 0 where the group is pruned. */
  readonly size: tf.Tensor;
}

/** 1 where there are weights. */
const there = ({ size }: GroupWeights): tf.Tensor => tf.cast(tf.greater(size, 0), 'float32');

/** Σ ½ ((μ² + σ²)/z² + size (log z² - 1)) over the groups that are there. */
function weightsPart({ energy, size }: GroupWeights, square: tf.Tensor, taken: tf.Tensor): tf.Tensor {
  const terms = tf.add(tf.mul(energy, taken), tf.mul(size, tf.sub(tf.log(square), 1)));
  return tf.mul(tf.sum(terms), 0.5);
}

/**
 * Normal-Jeffreys scales: `logUniform` of log α, with the gradient. The weights' KL is least where z² is the mean of
 * μ² + σ² over the group, which is what it is taken to be.
 *
 * The kernel `EspalierJeffreysKl` does it in one op, from `logRate`, `energy` and `size`, `[groups]` each, to the value
 * `[1]`, the rates and the gradient.
 */
export function jeffreysKl(logRate: tf.Tensor, weights: GroupWeights): ScaleKl {
  if (hasKernel('EspalierJeffreysKl')) {
    const [value, rate, gradient] = runKernel('EspalierJeffreysKl', { logRate, ...weights });
    return { value: tf.reshape(value, []), rate, gradients: [gradient] };
  }
  const alive = there(weights);
  const own = logUniform(logRate);
  const square = tf.add(tf.div(weights.energy, tf.maximum(weights.size, 1)), 1e-20);
  const rate = tf.div(alive, square);
  return {
    // A pruned group costs what it would cost at α → ∞: nothing.
    value: tf.add(tf.sum(tf.mul(alive, own.value)), weightsPart(weights, square, rate)),
    rate,
    gradients: own.slopes().map((slope) => tf.mul(alive, slope)),
  };
}

/** The variables of a horseshoe's scales, see `scale-priors.ts`. */
export interface HorseshoeVariables {
  readonly global: tf.Tensor;
  readonly alpha_mean: tf.Tensor;
  readonly alpha_log_variance: tf.Tensor;
  readonly beta_mean: tf.Tensor;
  readonly beta_log_variance: tf.Tensor;
}

/**
 * Horseshoe scales: `logNormal` of their four parts, and the weights' KL by way of log z² = 2 log E[z] = Σ μ + Σ σ²/4.
 *
 * The kernel `EspalierHorseshoeKl` does it in one op, from the variables, `energy`, `size` and `logTau`, `[]`, to the
 * value `[1]`, the rates and the five gradients.
 *
 * @param tau - τ₀.
 */
export function horseshoeKl(v: HorseshoeVariables, weights: GroupWeights, tau: number): ScaleKl {
  if (hasKernel('EspalierHorseshoeKl')) {
    const inputs = { ...v, ...weights, logTau: tf.scalar(Math.log(tau)) };
    const [value, rate, ...gradients] = runKernel('EspalierHorseshoeKl', inputs);
    return { value: tf.reshape(value, []), rate, gradients };
  }
  const alive = there(weights);
  const [aMean, aLog, bMean, bLog] = tf.split(v.global, 4);
  const a = logNormal(aMean, aLog, 1, 2 * Math.log(tau));
  const b = logNormal(bMean, bLog, -1, 0);
  const alpha = logNormal(v.alpha_mean, v.alpha_log_variance, 1, 0);
  const beta = logNormal(v.beta_mean, v.beta_log_variance, -1, 0);
  const quarter = (logVariance: tf.Tensor): tf.Tensor => tf.mul(tf.exp(logVariance), 0.25);
  const [aSpread, bSpread] = [quarter(aLog), quarter(bLog)];
  const [alphaSpread, betaSpread] = [quarter(v.alpha_log_variance), quarter(v.beta_log_variance)];
  const logs = [aMean, bMean, v.alpha_mean, v.beta_mean, aSpread, bSpread, alphaSpread, betaSpread];
  const square = tf.add(tf.exp(logs.reduce((x, y) => tf.add(x, y))), 1e-30);
  const rate = tf.div(alive, square);
  // d/d log z² of Σ ½ ((μ² + σ²)/z² + log z²).
  const slope = tf.mul(tf.sub(weights.size, tf.mul(weights.energy, rate)), 0.5);
  const total = tf.reshape(tf.sum(slope), [1]);
  const own = (gradient: tf.Tensor, more: tf.Tensor): tf.Tensor => tf.add(tf.mul(alive, gradient), more);
  const groups = tf.sum(tf.mul(alive, tf.add(alpha.value, beta.value)));
  const [[aByMean, aByLog], [bByMean, bByLog]] = [a.slopes(), b.slopes()];
  const [[alphaByMean, alphaByLog], [betaByMean, betaByLog]] = [alpha.slopes(), beta.slopes()];
  return {
    value: tf.add(tf.add(tf.sum(tf.add(a.value, b.value)), groups), weightsPart(weights, square, rate)),
    rate,
    gradients: [
      tf.concat([
        tf.add(aByMean, total),
        tf.add(aByLog, tf.mul(total, aSpread)),
        tf.add(bByMean, total),
        tf.add(bByLog, tf.mul(total, bSpread)),
      ]),
      own(alphaByMean, slope),
      own(alphaByLog, tf.mul(slope, alphaSpread)),
      own(betaByMean, slope),
      own(betaByLog, tf.mul(slope, betaSpread)),
    ],
  };
}
