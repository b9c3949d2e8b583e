import { EspalierError } from '@espalier/core';

/**
 * A Gaussian mixture over one number, a weight. Component 0 is the zero component: its mean is 0. All arrays
 * have one entry per component.
 */
export interface Mixture {
  /** μ; `means[0]` is 0. */
  readonly means: Float64Array;
  /** γ = log λ = -log σ². */
  readonly logPrecisions: Float64Array;
  /** log π; the π sum to 1. */
  readonly logShares: Float64Array;
}

export const halfLogTwoPi: number = 0.5 * Math.log(2 * Math.PI);
/** Components whose density is e^-40 of the greatest one or less take no responsibility (4e-18). */
const negligible = 40;

/** log π + γ/2 - log(2π)/2 of each component. */
function offsetsOf({ logPrecisions, logShares }: Mixture): Float64Array {
  return logShares.map((share, j) => share + logPrecisions[j] / 2 - halfLogTwoPi);
}

/** A mixture made ready for many weights: density and responsibilities in log space, so nothing underflows. */
export class Evaluator {
  readonly size: number;
  readonly means: Float64Array;
  readonly precisions: Float64Array;
  readonly #offsets: Float64Array;
  readonly #logs: Float64Array;
  /** Of the last weight `visit` was called for: the share each component takes in it; sums to 1. */
  readonly responsibilities: Float64Array;
  /** Of the last weight: -d log p(w) / dw = Σ r λ (w - μ). */
  slope = 0;
  /** Of the last weight: the component that takes most responsibility, the lowest index on a tie. */
  most = 0;

  /** @param offsets - log π + γ/2 - log(2π)/2. */
  constructor(means: Float64Array, offsets: Float64Array, precisions: Float64Array) {
    this.size = means.length;
    this.means = means;
    this.#offsets = offsets;
    this.precisions = precisions;
    this.#logs = new Float64Array(this.size);
    this.responsibilities = new Float64Array(this.size);
  }

  static of(mixture: Mixture): Evaluator {
    return new Evaluator(mixture.means, offsetsOf(mixture), mixture.logPrecisions.map(Math.exp));
  }

  /** Evaluates the mixture at a weight; returns log p(w). */
  visit(w: number): number {
    const { means, precisions } = this;
    const offsets = this.#offsets;
    const logs = this.#logs;
    const taken = this.responsibilities;
    let greatest = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < means.length; j++) {
      const d = w - means[j];
      const log = offsets[j] - 0.5 * precisions[j] * d * d;
      logs[j] = log;
      if (log > greatest) {
        greatest = log;
        this.most = j;
      }
    }
    let sum = 0;
    for (let j = 0; j < means.length; j++) {
      const below = logs[j] - greatest;
      const share = below > -negligible ? Math.exp(below) : 0;
      taken[j] = share;
      sum += share;
    }
    let slope = 0;
    for (let j = 0; j < means.length; j++) {
      const share = taken[j] / sum;
      taken[j] = share;
      if (share > 0) slope += share * precisions[j] * (w - means[j]);
    }
    this.slope = slope;
    return greatest + Math.log(sum);
  }
}

/** log Σ exp(x), safe for large and small x. */
export function logSumExp(values: ArrayLike<number>): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) greatest = Math.max(greatest, values[i]);
  if (greatest === Number.NEGATIVE_INFINITY) return greatest;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - greatest);
  return greatest + Math.log(sum);
}

/**
 * A mixture from what is trained: the means, the log-precisions, and the unnormalised log-shares ρ of all
 * components but the zero one, of which the softmax is taken: π_j = (1 - π_0) softmax(ρ)_j.
 *
 * @param means - [J - 1], without the zero component's.
 * @param logPrecisions - [J]
 * @param rhos - [J - 1]
 * @param zeroShare - π_0, in (0, 1).
 *
 * @example
 * ```ts
 * import { mixtureOf } from '@espalier/priors-gmm';
 * const { logShares } = mixtureOf([-0.1, 0.1], [8, 8, 8], [1000, 1000], 0.9);
 * if (Math.abs(Math.exp(logShares[2]) - 0.05) > 1e-12) throw new Error(String(logShares));
 * ```
 */
export function mixtureOf(
  means: ArrayLike<number>,
  logPrecisions: ArrayLike<number>,
  rhos: ArrayLike<number>,
  zeroShare: number,
): Mixture {
  if (means.length !== rhos.length || logPrecisions.length !== means.length + 1) {
    throw new EspalierError(
      'shape-mismatch',
      `A mixture of ${means.length} means, ${logPrecisions.length} log-precisions and ${rhos.length} log-shares.`,
      { remedy: 'Give J - 1 means, J log-precisions and J - 1 log-shares.' },
    );
  }
  const rest = Math.log1p(-zeroShare) - logSumExp(rhos);
  return {
    means: Float64Array.of(0, ...Array.from(means)),
    logPrecisions: Float64Array.from(logPrecisions),
    logShares: Float64Array.of(Math.log(zeroShare), ...Array.from(rhos, (rho) => rho + rest)),
  };
}

/**
 * log p(w) under a mixture.
 *
 * @example
 * ```ts
 * import { logDensity, mixtureOf } from '@espalier/priors-gmm';
 * const mixture = mixtureOf([-0.1, 0.1], [8, 8, 8], [0, 0], 0.9);
 * const far = logDensity(mixture, 40); // e^far is far below the least float64
 * if (!(far < -1e6 && Number.isFinite(far))) throw new Error(String(far));
 * ```
 */
export function logDensity(mixture: Mixture, w: number): number {
  return Evaluator.of(mixture).visit(w);
}

/**
 * The share that each component takes in a weight, [J]; the shares sum to 1.
 *
 * @example
 * ```ts
 * import { mixtureOf, responsibilities } from '@espalier/priors-gmm';
 * const mixture = mixtureOf([-0.1, 0.1], [8, 8, 8], [0, 0], 0.9);
 * const [zero, low, high] = responsibilities(mixture, 0.1);
 * if (!(high > low) || Math.abs(zero + low + high - 1) > 1e-12) throw new Error('unexpected');
 * ```
 */
export function responsibilities(mixture: Mixture, w: number): Float64Array {
  const evaluator = Evaluator.of(mixture);
  evaluator.visit(w);
  return evaluator.responsibilities;
}
