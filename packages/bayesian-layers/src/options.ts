import { checkOneOf, checkOptions, checkRange, EspalierError } from '@espalier/core';
import type { Side } from './groups.js';

/** Options of {@link groupNormalJeffreys} and {@link groupHorseshoe}. */
export interface GroupPriorOptions {
  /**
   * What is one group: the weights that read a unit (`inputs`) or those that make one (`outputs`); by parameter
   * name or glob where layers differ. Default: inputs of dense layers, outputs (filters) of convolutions.
   */
  readonly structure?: Side | Readonly<Record<string, Side>>;
  /** The KL divergence's factor when warm-up is over. 1 (default) is the variational bound. */
  readonly weight?: number;
  /** Part of the stage, in [0, 1), in which the KL's factor grows from 0, linearly. Default 0.2. */
  readonly warmUp?: number;
  /** N, the number of training examples. Default: steps per epoch × batch size. */
  readonly examples?: number;
  /** Learning rates of the variational parameters (the weights' own rate is the stage's). */
  readonly rates?: {
    /** Of the weights' log-variances. Default 0.01. */
    readonly variances?: number;
    /** Of the scales: log dropout rates, or the horseshoe's eight. Default 0.01. */
    readonly scales?: number;
  };
  /** Where the posterior starts. */
  readonly start?: {
    /** Standard deviation of the weights, in units of their root mean square. Default 0.2. */
    readonly deviation?: number;
    /** log α of every group (normal-Jeffreys), or log σ² of the logarithms of the scales. Default -4. */
    readonly scale?: number;
  };
  /** No weight's standard deviation grows beyond it; one number, or by parameter name or glob. Default: free. */
  readonly maxDeviation?: number | Readonly<Record<string, number>>;
  /**
   * From which part of the stage on, in [0, 1), groups are pruned at the start of every epoch, for good; what is
   * left has the rest of the stage to make up for it. Default 0.6; `false`: never.
   */
  readonly pruneFrom?: number | false;
  /**
   * Groups at or above it go. `gap` (default): what `suggestThreshold` says of each layer; or a number; or by
   * parameter name or glob.
   */
  readonly threshold?: 'gap' | number | Readonly<Record<string, 'gap' | number>>;
  /**
   * Single weights go, too, where log(σ² / μ²) is at or above this number (3: the noise has 20 times the
   * weight's energy). Default `false`: groups only.
   */
  readonly single?: number | false;
  /** Keep a picture at every epoch, for the report. Default true. */
  readonly frames?: boolean;
}

/** Options of {@link groupHorseshoe}. */
export interface HorseshoeOptions extends GroupPriorOptions {
  /** τ₀ of the layers' half-Cauchy scales. Default 1e-5. */
  readonly tau?: number;
}

/** Options that have been checked, with their defaults. */
export interface Resolved {
  readonly owner: string;
  /** Which of the two priors. */
  readonly horseshoe: boolean;
  readonly tau: number;
  readonly structure: Side | Readonly<Record<string, Side>> | undefined;
  readonly weight: number;
  readonly warmUp: number;
  readonly examples: number | undefined;
  readonly rates: { readonly variances: number; readonly scales: number };
  readonly start: { readonly deviation: number; readonly scale: number };
  readonly maxDeviation: number | Readonly<Record<string, number>> | undefined;
  readonly pruneFrom: number | undefined;
  readonly threshold: NonNullable<GroupPriorOptions['threshold']>;
  readonly single: number | undefined;
  readonly frames: boolean;
}

const known: Readonly<Record<keyof GroupPriorOptions, true>> = {
  structure: true,
  weight: true,
  warmUp: true,
  examples: true,
  rates: true,
  start: true,
  maxDeviation: true,
  pruneFrom: true,
  threshold: true,
  single: true,
  frames: true,
};
const [tiny, huge] = [Number.MIN_VALUE, Number.MAX_VALUE];

/** A number, or numbers by name, each checked. */
function each<T>(
  value: T | Readonly<Record<string, T>>,
  check: (one: T, where: string) => void,
  name: string,
): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) check(one as T, `${name} of ${key}`);
  } else check(value as T, name);
}

/** @throws EspalierError `unknown-option`, `invalid-option` */
export function resolve(owner: string, options: HorseshoeOptions, horseshoe: boolean): Resolved {
  checkOptions(owner, options, [...Object.keys(known), ...(horseshoe ? ['tau'] : [])]);
  const { structure, weight = 1, warmUp = 0.2, examples, rates = {}, start = {}, maxDeviation } = options;
  const { pruneFrom = 0.6, threshold = 'gap', single = false, frames = true, tau = 1e-5 } = options;
  const refuse = (what: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${what}.`, { remedy });
  };
  const range = (name: string, value: number, low: number, high: number): void =>
    checkRange(owner, name, value, low, high);
  if (structure !== undefined) {
    each<unknown>(
      structure,
      (value, name) => checkOneOf(owner, name, value, ['inputs', 'outputs']),
      'structure',
    );
  }
  range('weight', weight, 0, huge);
  range('warmUp', warmUp, 0, 0.999);
  if (examples !== undefined) range('examples', examples, 1, huge);
  checkOptions(`${owner}.rates`, rates, ['variances', 'scales']);
  const { variances = 0.01, scales = 0.01 } = rates;
  range('rates.variances', variances, 0, huge);
  range('rates.scales', scales, 0, huge);
  checkOptions(`${owner}.start`, start, ['deviation', 'scale']);
  const { deviation = 0.2, scale = -4 } = start;
  range('start.deviation', deviation, tiny, huge);
  range('start.scale', scale, -30, 30);
  if (maxDeviation !== undefined)
    each(maxDeviation, (value, name) => range(name, value, tiny, huge), 'maxDeviation');
  if (pruneFrom !== false) range('pruneFrom', pruneFrom, 0, 0.999);
  const cut = (value: unknown, name: string): void => {
    if (value === 'gap') return;
    if (typeof value !== 'number') refuse(`${name} is ${String(value)}`, "Give 'gap' or a number.");
    range(name, value as number, -huge, huge);
  };
  each<unknown>(threshold, cut, 'threshold');
  if (single !== false) range('single', single, -huge, huge);
  range('tau', tau, 1e-15, huge);
  return {
    owner,
    horseshoe,
    tau,
    structure,
    weight,
    warmUp,
    examples,
    rates: { variances, scales },
    start: { deviation, scale },
    maxDeviation,
    pruneFrom: pruneFrom === false ? undefined : pruneFrom,
    threshold,
    single: single === false ? undefined : single,
    frames,
  };
}
