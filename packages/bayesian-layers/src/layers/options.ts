import { checkOneOf, checkRange } from '@espalier/core';
import type { Side } from '../groups.js';
import type { PriorName } from '../math/scale-priors.js';

/** What a Bayesian layer takes beside the options of the plain one. */
export interface BayesianOptions {
  /** Of the groups' scales. Default `normalJeffreys`. */
  readonly prior?: PriorName;
  /** What is one group. Default: inputs of dense layers, outputs (filters) of convolutions. */
  readonly structure?: Side;
  /** No weight's standard deviation counts as more, in units of its scale. Default: free. */
  readonly maxDeviation?: number;
  /** Where a fresh layer starts. */
  readonly start?: {
    /** log σ² of weights and biases. Default -6; the authors' -9 takes ten epochs longer. */
    readonly variance?: number;
    /** log α of the groups (normal-Jeffreys), or log σ² of the horseshoe's four logarithms. Default -4. */
    readonly scale?: number;
  };
  /** τ₀ of the horseshoe. Default 1e-5. */
  readonly tau?: number;
  /** Of the noise; the same seed gives the same noise, call by call. Default: another one each time. */
  readonly seed?: number;
}

/** Options with their defaults. */
export interface ResolvedBayesian {
  readonly prior: PriorName;
  readonly structure: Side | undefined;
  readonly maxDeviation?: number;
  readonly start: { readonly variance: number; readonly scale: number };
  readonly tau: number;
  readonly seed: number | undefined;
}

/** @throws EspalierError `invalid-option` */
export function checkBayesian(owner: string, config: BayesianOptions): ResolvedBayesian {
  const { prior = 'normalJeffreys', structure, maxDeviation, start = {}, tau = 1e-5, seed } = config;
  const { variance = -6, scale = -4 } = start;
  checkOneOf(owner, 'prior', prior, ['normalJeffreys', 'horseshoe']);
  if (structure !== undefined) checkOneOf(owner, 'structure', structure, ['inputs', 'outputs']);
  if (maxDeviation !== undefined)
    checkRange(owner, 'maxDeviation', maxDeviation, Number.MIN_VALUE, Number.MAX_VALUE);
  checkRange(owner, 'start.variance', variance, -60, 30);
  checkRange(owner, 'start.scale', scale, -60, 30);
  checkRange(owner, 'tau', tau, 1e-15, Number.MAX_VALUE);
  return {
    prior,
    structure,
    start: { variance, scale },
    tau,
    seed,
    ...(maxDeviation !== undefined && { maxDeviation }),
  };
}
