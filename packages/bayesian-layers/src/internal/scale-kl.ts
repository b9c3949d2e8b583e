import * as tf from '@tensorflow/tfjs-core';
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

// Molchanov, Ashukha & Vetrov (2017), eq. 14, see `logUniformKl`.
const [k1, k2, k3] = [0.63576, 1.8732, 1.48695];

/** 1 where there are weights. */
const there = ({ size }: GroupWeights): tf.Tensor => tf.cast(tf.greater(size, 0), 'float32');

/** Σ ½ ((μ² + σ²)/z² + size (log z² - 1)) over the groups that are there. */
function weightsPart({ energy, size }: GroupWeights, square: tf.Tensor, taken: tf.Tensor): tf.Tensor {
  const terms = tf.add(tf.mul(energy, taken), tf.mul(size, tf.sub(tf.log(square), 1)));
  return tf.mul(tf.sum(terms), 0.5);
}

/**
 * Normal-Jeffreys scales: as `logUniformKl`, with the gradient. The weights' KL is least where z² is the mean of
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
  const y = tf.add(tf.mul(logRate, k3), k2);
  const [rise, fall] = [tf.sigmoid(y), tf.sigmoid(tf.neg(y))];
  // A pruned group costs what it would cost at α → ∞: nothing.
  const own = tf.mul(alive, tf.add(tf.mul(fall, k1), tf.mul(tf.softplus(tf.neg(logRate)), 0.5)));
  const slope = tf.add(tf.mul(tf.mul(rise, fall), k1 * k3), tf.mul(tf.sigmoid(tf.neg(logRate)), 0.5));
  const square = tf.add(tf.div(weights.energy, tf.maximum(weights.size, 1)), 1e-20);
  const rate = tf.div(alive, square);
  return {
    value: tf.add(tf.sum(own), weightsPart(weights, square, rate)),
    rate,
    gradients: [tf.neg(tf.mul(alive, slope))],
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

/** log k + exp(±μ + σ²/2) / k² - ½ (±μ + log σ² + 1 + log 2), see kl.ts; with its slopes by μ and log σ². */
function logNormal(
  mean: tf.Tensor,
  logVariance: tf.Tensor,
  sign: 1 | -1,
  logScale: number,
): [value: tf.Tensor, byMean: tf.Tensor, byLogVariance: tf.Tensor] {
  const signed = sign === 1 ? mean : tf.neg(mean);
  const half = tf.mul(tf.exp(logVariance), 0.5);
  const rise = tf.exp(tf.sub(tf.add(signed, half), logScale));
  const common = tf.mul(tf.add(tf.add(signed, logVariance), 1 + Math.LN2), 0.5);
  const value = tf.add(tf.sub(rise, common), logScale / 2);
  return [value, tf.mul(tf.sub(rise, 0.5), sign), tf.sub(tf.mul(rise, half), 0.5)];
}

/**
 * Horseshoe scales: as `logNormalGammaKl` and `logNormalInverseGammaKl`, and the weights' KL by way of
 * log z² = 2 log E[z] = Σ μ + Σ σ²/4.
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
  const groups = tf.sum(tf.mul(alive, tf.add(alpha[0], beta[0])));
  return {
    value: tf.add(tf.add(tf.sum(tf.add(a[0], b[0])), groups), weightsPart(weights, square, rate)),
    rate,
    gradients: [
      tf.concat([
        tf.add(a[1], total),
        tf.add(a[2], tf.mul(total, aSpread)),
        tf.add(b[1], total),
        tf.add(b[2], tf.mul(total, bSpread)),
      ]),
      own(alpha[1], slope),
      own(alpha[2], tf.mul(slope, alphaSpread)),
      own(beta[1], slope),
      own(beta[2], tf.mul(slope, betaSpread)),
    ],
  };
}
