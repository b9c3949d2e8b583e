import * as tf from '@tensorflow/tfjs-core';
import { gaussian, logNormal, logUniform } from './math/kl-terms.js';

/**
 * KL divergence of independent Gaussians from standard normal ones, summed over all elements:
 * Σ ½ (σ² + μ² - 1 - log σ²).
 *
 * @param mean - μ, any shape.
 * @param logVariance - log σ², the same shape.
 * @returns Nats, a scalar; differentiable in both.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { gaussianKl } from '@espalier/bayesian-layers';
 * const kl = gaussianKl(tf.tensor1d([0, 2]), tf.tensor1d([0, 0])).dataSync()[0];
 * if (Math.abs(kl - 2) > 1e-6) throw new Error(String(kl));
 * ```
 */
export function gaussianKl(mean: tf.Tensor, logVariance: tf.Tensor): tf.Scalar {
  return tf.tidy(() => tf.sum(gaussian(mean, logVariance).value) as tf.Scalar);
}

/**
 * KL divergence of N(μ, α μ²) from the log-uniform (normal-Jeffreys) prior of a scale, summed over all elements,
 * in the approximation of Molchanov et al. (2017, eq. 14; within 0.009 nats): -k₁ σ(k₂ + k₃ log α) +
 * ½ log(1 + 1/α) + k₁, where the constant makes it 0 for α → ∞.
 *
 * @param logDropoutRate - log α, any shape.
 * @returns Nats, a scalar; differentiable.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { logUniformKl } from '@espalier/bayesian-layers';
 * const [kept, dropped] = [-9, 9].map((a) => logUniformKl(tf.scalar(a)).dataSync()[0]);
 * if (!(kept > 5 && dropped < 0.001)) throw new Error(`${kept} ${dropped}`);
 * ```
 */
export function logUniformKl(logDropoutRate: tf.Tensor): tf.Scalar {
  return tf.tidy(() => tf.sum(logUniform(logDropoutRate).value) as tf.Scalar);
}

/**
 * KL divergence of LN(μ, σ²) from Gamma(½, scale k²), summed over all elements (Louizos, Ullrich & Welling 2017,
 * appendix): log k + exp(μ + σ²/2) / k² - ½ (μ + log σ² + 1 + log 2). Least at μ = 2 log k - 1.693, σ² = 2.
 *
 * With an inverse-Gamma variable β, √(α β) is half-Cauchy with scale k.
 *
 * @param mean - μ, of the logarithm.
 * @param logVariance - log σ², of the logarithm.
 * @param scale - k > 0.
 * @returns Nats, a scalar; differentiable.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { logNormalGammaKl } from '@espalier/bayesian-layers';
 * const kl = (mu: number) => logNormalGammaKl(tf.scalar(mu), tf.scalar(Math.log(2)), 1).dataSync()[0];
 * if (!(kl(-1.693) < kl(-1.5) && kl(-1.693) < kl(-1.9))) throw new Error('not the least');
 * ```
 */
export function logNormalGammaKl(mean: tf.Tensor, logVariance: tf.Tensor, scale = 1): tf.Scalar {
  return tf.tidy(() => tf.sum(logNormal(mean, logVariance, 1, 2 * Math.log(scale)).value) as tf.Scalar);
}

/**
 * KL divergence of LN(μ, σ²) from inverse-Gamma(½, 1), summed over all elements:
 * exp(σ²/2 - μ) - ½ (-μ + log σ² + 1 + log 2). Least at μ = 1.693, σ² = 2.
 *
 * @param mean - μ, of the logarithm.
 * @param logVariance - log σ², of the logarithm.
 * @returns Nats, a scalar; differentiable.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { logNormalGammaKl, logNormalInverseGammaKl } from '@espalier/bayesian-layers';
 * // 1 / x of an inverse-Gamma variable is a Gamma variable.
 * const [mean, logVariance] = [tf.scalar(0.3), tf.scalar(-1)];
 * const a = logNormalInverseGammaKl(mean, logVariance).dataSync()[0];
 * const b = logNormalGammaKl(tf.neg(mean), logVariance, 1).dataSync()[0];
 * if (Math.abs(a - b) > 1e-5) throw new Error(`${a} ${b}`);
 * ```
 */
export function logNormalInverseGammaKl(mean: tf.Tensor, logVariance: tf.Tensor): tf.Scalar {
  return tf.tidy(() => tf.sum(logNormal(mean, logVariance, -1, 0).value) as tf.Scalar);
}
