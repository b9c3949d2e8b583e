import { betaLoss, betaSlope, gammaLoss, gammaSlope, type Shapes } from './hyper-priors.js';
import { Evaluator, type Mixture } from './mixture.js';

/** The hyper-priors of a mixture; what is absent is flat. */
export interface HyperPriors {
  /** Gamma, on the zero component's precision. */
  readonly zeroPrecision?: Shapes | undefined;
  /** Gamma, on every other component's precision. */
  readonly precision?: Shapes | undefined;
  /** Beta, on π_0, which is learned when this is there. */
  readonly zeroShare?: Shapes | undefined;
}

/** Sums over the weights from which the gradients of the mixture follow; each array is [J]. */
export interface Sums {
  /** Σ -log p(w), in nats. */
  loss: number;
  /** Σ r. */
  readonly taken: Float64Array;
  /** Σ r (w - μ). */
  readonly first: Float64Array;
  /** Σ r (w - μ)². */
  readonly second: Float64Array;
  /** Σ 1 over the weights that the zero component takes most responsibility for. */
  zeros: number;
}

export function newSums(size: number): Sums {
  const array = (): Float64Array => new Float64Array(size);
  return { loss: 0, taken: array(), first: array(), second: array(), zeros: 0 };
}

/** Adds `mass` weights of the value `w`. */
export function addWeight(
  sums: Sums,
  evaluator: Evaluator,
  means: Float64Array,
  w: number,
  mass: number,
): void {
  const log = evaluator.visit(w);
  sums.loss -= mass * log;
  if (evaluator.most === 0) sums.zeros += mass;
  const { taken, first, second } = sums;
  const { responsibilities } = evaluator;
  for (let j = 0; j < means.length; j++) {
    const share = mass * responsibilities[j];
    if (share === 0) continue;
    const d = w - means[j];
    taken[j] += share;
    first[j] += share * d;
    second[j] += share * d * d;
  }
}

/** The complexity loss in its parts (in nats, before the factor τ/N) and its gradients. */
export interface MixtureLoss {
  /** -Σ log p(w). */
  readonly data: number;
  /** -log of the hyper-priors, constants dropped. */
  readonly zeroPrecision: number;
  readonly precision: number;
  readonly zeroShare: number;
  /** Of the means but the zero component's, [J - 1]. */
  readonly means: Float64Array;
  /** Of the log-precisions γ, [J]. */
  readonly logPrecisions: Float64Array;
  /** Of the unnormalised log-shares ρ, [J - 1]. */
  readonly rhos: Float64Array;
  /** Of the logit of π_0. */
  readonly zeroLogit: number;
}

/** Loss and gradients from the sums. */
export function lossOf(mixture: Mixture, sums: Sums, hyper: HyperPriors): MixtureLoss {
  const { means, logPrecisions, logShares } = mixture;
  const size = means.length;
  const zeroShare = Math.exp(logShares[0]);
  let others = 0;
  for (let j = 1; j < size; j++) others += sums.taken[j];
  const slopes = new Float64Array(size);
  const meanSlopes = new Float64Array(size - 1);
  const rhos = new Float64Array(size - 1);
  let precision = 0;
  for (let j = 0; j < size; j++) {
    const lambda = Math.exp(logPrecisions[j]);
    const prior = j === 0 ? hyper.zeroPrecision : hyper.precision;
    slopes[j] = 0.5 * (lambda * sums.second[j] - sums.taken[j]);
    if (prior !== undefined) slopes[j] += gammaSlope(prior, logPrecisions[j]);
    if (j === 0) continue;
    meanSlopes[j - 1] = -lambda * sums.first[j];
    rhos[j - 1] = others * Math.exp(logShares[j] - Math.log1p(-zeroShare)) - sums.taken[j];
    if (prior !== undefined) precision += gammaLoss(prior, logPrecisions[j]);
  }
  const { zeroPrecision, zeroShare: beta } = hyper;
  return {
    data: sums.loss,
    zeroPrecision: zeroPrecision === undefined ? 0 : gammaLoss(zeroPrecision, logPrecisions[0]),
    precision,
    zeroShare: beta === undefined ? 0 : betaLoss(beta, zeroShare),
    means: meanSlopes,
    logPrecisions: slopes,
    rhos,
    zeroLogit:
      zeroShare * others -
      (1 - zeroShare) * sums.taken[0] +
      (beta === undefined ? 0 : betaSlope(beta, zeroShare)),
  };
}

/**
 * The complexity loss -log p(weights) - log p(mixture) of Ullrich, Meeds & Welling (ICLR 2017), eq. 4, and its
 * exact gradients, weight by weight in double precision: what the fast path of the prior is measured against.
 *
 * @param weights - Any number of weights.
 * @returns The loss and its gradients, and `weights`: the gradient with respect to each weight,
 *   Σ_j r_j λ_j (w - μ_j).
 *
 * @example
 * ```ts
 * import { mixtureLoss, mixtureOf } from '@espalier/priors-gmm';
 * const mixture = mixtureOf([-0.1, 0.1], [8, 8, 8], [0, 0], 0.9);
 * const { weights } = mixtureLoss(mixture, Float32Array.of(0, 0.001));
 * if (weights[0] !== 0 || !(weights[1] > 0)) throw new Error(String(weights)); // towards 0
 * ```
 */
export function mixtureLoss(
  mixture: Mixture,
  weights: Float32Array | Float64Array,
  hyper: HyperPriors = {},
): MixtureLoss & { readonly weights: Float64Array } {
  const evaluator = Evaluator.of(mixture);
  const sums = newSums(mixture.means.length);
  const slopes = new Float64Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    addWeight(sums, evaluator, mixture.means, weights[i], 1);
    slopes[i] = evaluator.slope;
  }
  return { ...lossOf(mixture, sums, hyper), weights: slopes };
}
