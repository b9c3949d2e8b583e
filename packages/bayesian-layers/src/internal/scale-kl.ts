/** The KL divergence of scales from their prior, and what follows for the weights. */
export interface ScaleKl {
  /** Nats. */
  readonly value: number;
  /** z² of each group, for the weights' KL. */
  readonly square: Float64Array;
  /** Gradients of the whole KL, the weights' part too, by variable. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
}

/** Values of a posterior's variables, by name. */
export type Values = Readonly<Record<string, Float32Array>>;

const [k1, k2, k3] = [0.63576, 1.8732, 1.48695];
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/**
 * Normal-Jeffreys scales: as `logUniformKl`, without TF.js, because it is a few numbers per layer at every step.
 *
 * @param energy - Σ (μ² + σ²) of each group.
 * @param size - Weights of each group that take part; 0 where it is pruned.
 */
export function jeffreysKl({ logRate }: Values, energy: Float64Array, size: Float64Array): ScaleKl {
  const gradient = new Float32Array(logRate.length);
  let value = 0;
  for (let i = 0; i < logRate.length; i++) {
    // A pruned group costs what it would cost at α → ∞: nothing.
    if (size[i] === 0) continue;
    const s = logistic(k2 + k3 * logRate[i]);
    value += k1 - k1 * s + 0.5 * softplus(-logRate[i]);
    gradient[i] = -k1 * k3 * s * (1 - s) - 0.5 * logistic(-logRate[i]);
  }
  // The weights' KL is least where z² is the mean of μ² + σ².
  const square = energy.map((e, i) => e / Math.max(1, size[i]) + 1e-20);
  return { value, square, gradients: { logRate: gradient } };
}

/** One of a horseshoe's log-normal variables, `sign` 1 for Gamma and -1 for inverse-Gamma, with log k². */
function logNormal(
  mean: number,
  logVariance: number,
  sign: 1 | -1,
  logScale: number,
): [number, number, number] {
  // log k + exp(±μ + σ²/2) / k² - ½ (±μ + log σ² + 1 + log 2), see kl.ts.
  const half = Math.exp(logVariance) / 2;
  const rise = Math.exp(sign * mean + half - logScale);
  const value = logScale / 2 + rise - (sign * mean + logVariance + 1 + Math.LN2) / 2;
  return [value, sign * (rise - 0.5), rise * half - 0.5];
}

/**
 * Horseshoe scales: as `logNormalGammaKl` and `logNormalInverseGammaKl`, and the weights' KL by way of
 * log z² = 2 log E[z] = Σ μ + Σ σ²/4.
 *
 * @param tau - τ₀.
 */
export function horseshoeKl(v: Values, energy: Float64Array, size: Float64Array, tau: number): ScaleKl {
  const { global, alpha_mean, alpha_log_variance, beta_mean, beta_log_variance } = v;
  const n = alpha_mean.length;
  const square = new Float64Array(n);
  const zeros = (): Float32Array => new Float32Array(n);
  const g = {
    global: new Float32Array(4),
    alpha_mean: zeros(),
    alpha_log_variance: zeros(),
    beta_mean: zeros(),
    beta_log_variance: zeros(),
  };
  const a = logNormal(global[0], global[1], 1, 2 * Math.log(tau));
  const b = logNormal(global[2], global[3], -1, 0);
  let value = a[0] + b[0];
  g.global.set([a[1], a[2], b[1], b[2]]);
  const [aVariance, bVariance] = [Math.exp(global[1]), Math.exp(global[3])];
  for (let i = 0; i < n; i++) {
    const [alphaVariance, betaVariance] = [Math.exp(alpha_log_variance[i]), Math.exp(beta_log_variance[i])];
    const mean = global[0] + global[2] + alpha_mean[i] + beta_mean[i];
    square[i] = Math.exp(mean + (aVariance + bVariance + alphaVariance + betaVariance) / 4) + 1e-30;
    if (size[i] === 0) continue;
    const alpha = logNormal(alpha_mean[i], alpha_log_variance[i], 1, 0);
    const beta = logNormal(beta_mean[i], beta_log_variance[i], -1, 0);
    value += alpha[0] + beta[0];
    // d/d log z² of Σ ½ ((μ² + σ²)/z² + log z²).
    const slope = 0.5 * (size[i] - energy[i] / square[i]);
    g.global[0] += slope;
    g.global[1] += (slope * aVariance) / 4;
    g.global[2] += slope;
    g.global[3] += (slope * bVariance) / 4;
    g.alpha_mean[i] = alpha[1] + slope;
    g.alpha_log_variance[i] = alpha[2] + (slope * alphaVariance) / 4;
    g.beta_mean[i] = beta[1] + slope;
    g.beta_log_variance[i] = beta[2] + (slope * betaVariance) / 4;
  }
  return { value, square, gradients: g };
}
