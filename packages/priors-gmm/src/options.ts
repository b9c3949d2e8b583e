import { checkOneOf, checkOptions, checkRange, EspalierError } from '@espalier/core';
import type { MergeRule } from './components.js';
import { type BetaPrior, betaShapes, type GammaPrior, gammaShapes } from './hyper-priors.js';
import type { HyperPriors } from './loss.js';
import { checkTau, type Tau } from './tau.js';

/** How the weights are brought to the means of the components, when the prior is used as a quantizer. */
export interface SnapOptions {
  /**
   * Which components are one before the weights are assigned. Default `{ divergence: 1e-10, distance: 1 }`;
   * the paper's rule alone is `{ divergence: 1e-10 }`.
   */
  readonly merge?: MergeRule;
  /**
   * `responsible` (default): the component that takes most responsibility. `nearest`: the nearest mean, which
   * brings fewer weights to 0.
   */
  readonly assign?: 'responsible' | 'nearest';
  /**
   * What the weights of a component become: its mean (`means`, default: the method as published), or in each
   * tensor the average of those weights (`averages`, the least squared error). Zero stays exactly 0.
   */
  readonly values?: 'means' | 'averages';
}

/** Options of {@link gaussianMixturePrior}. */
export interface MixturePriorOptions {
  /** J, the zero component included; 2 to 256. Default 16. */
  readonly components?: number;
  /** The weight of the prior, or a schedule of it. Default 0.003. */
  readonly tau?: Tau;
  /** N, the number of training examples. Default: steps per epoch × batch size. */
  readonly examples?: number;
  /** π_0, the share of the zero component: fixed, in (0, 1), or learned under a Beta prior. Default 0.99. */
  readonly zeroShare?: number | BetaPrior;
  /** Hyper-prior on the precision of the zero component; `false` for none. Default a = 5000, b = 2. */
  readonly zeroPrecision?: GammaPrior | false;
  /** Hyper-prior on the precisions of the others; `false` for none. Default a = 250, b = 0.1. */
  readonly precision?: GammaPrior | false;
  /**
   * Where the means start: `range` spreads them evenly over the range of the weights, 0 left out (default);
   * `{ from, to }` over another range; or the J - 1 means themselves.
   */
  readonly means?: 'range' | { readonly from: number; readonly to: number } | readonly number[];
  /** The standard deviation that all components start with. Default: the distance between two means. */
  readonly deviation?: number;
  /**
   * Which weights share a mixture: `all` (default) of the schedule's parameters, those of each `layer`, or
   * each `parameter` by itself.
   */
  readonly share?: 'all' | 'layer' | 'parameter';
  /** Learning rates of the mixture (the weights' own rate is the stage's). */
  readonly rates?: {
    /** Default 1e-4. */
    readonly means?: number;
    /** Of the log-precisions. Default 3e-3. */
    readonly precisions?: number;
    /** Of the log-shares, and of the logit of π_0. Default 3e-3. */
    readonly shares?: number;
  };
  /**
   * From which part of the stage on, in [0, 1), weights that the zero component takes most responsibility for
   * are pruned: at the start of every epoch they become 0 and stay so, and leave the mixture. What is left then
   * has the rest of the stage to make up for it, so that nothing is cut off at the end. Default: never.
   */
  readonly pruneFrom?: number;
  readonly snap?: SnapOptions;
  /** Keep a picture of the weights at every epoch, for the report. Default true. */
  readonly frames?: boolean;
}

/** Options that have been checked, with their defaults. */
export interface Resolved {
  readonly components: number;
  readonly tau: Tau;
  readonly examples: number | undefined;
  /** Where π_0 starts. */
  readonly zeroShare: number;
  readonly hyper: HyperPriors;
  readonly means: NonNullable<MixturePriorOptions['means']>;
  readonly deviation: number | undefined;
  readonly share: 'all' | 'layer' | 'parameter';
  readonly rates: { readonly means: number; readonly precisions: number; readonly shares: number };
  readonly pruneFrom: number | undefined;
  readonly snap: Required<SnapOptions>;
  readonly frames: boolean;
}

export const owner = 'gaussianMixturePrior';
const huge = Number.MAX_VALUE;
const tiny = Number.MIN_VALUE;

function checkMeans(means: NonNullable<MixturePriorOptions['means']>, components: number): void {
  if (typeof means === 'string') return void checkOneOf(owner, 'means', means, ['range']);
  if (Array.isArray(means)) {
    if (means.length === components - 1 && means.every(Number.isFinite)) return;
    throw new EspalierError('invalid-option', `${owner}: means are ${means.length} numbers.`, {
      remedy: `Give ${components - 1} finite numbers: one per component but the zero one.`,
    });
  }
  const { from, to } = means as { from: number; to: number };
  checkOptions(`${owner}.means`, means, ['from', 'to']);
  checkRange(`${owner}.means`, 'from', from, -huge, huge);
  checkRange(`${owner}.means`, 'to', to, from, huge);
}

/** @throws EspalierError `unknown-option`, `invalid-option` */
export function resolve(options: MixturePriorOptions): Resolved {
  const known: readonly (keyof MixturePriorOptions)[] = [
    'components',
    'tau',
    'examples',
    'zeroShare',
    'zeroPrecision',
    'precision',
    'means',
    'deviation',
    'share',
    'rates',
    'pruneFrom',
    'snap',
    'frames',
  ];
  checkOptions(owner, options, known);
  const {
    components = 16,
    tau = 0.003,
    examples,
    zeroShare = 0.99,
    zeroPrecision = { a: 5000, b: 2 },
    precision = { a: 250, b: 0.1 },
    means = 'range',
    deviation,
    share = 'all',
    rates = {},
    pruneFrom,
    snap = {},
    frames = true,
  } = options;
  if (!Number.isInteger(components) || components < 2 || components > 256) {
    throw new EspalierError('invalid-option', `${owner}: components is ${String(components)}.`, {
      remedy: 'Give a whole number from 2 to 256, the zero component included.',
    });
  }
  checkTau(owner, tau);
  if (pruneFrom !== undefined) checkRange(owner, 'pruneFrom', pruneFrom, 0, 0.999);
  if (examples !== undefined) checkRange(owner, 'examples', examples, 1, huge);
  if (deviation !== undefined) checkRange(owner, 'deviation', deviation, tiny, huge);
  const beta = typeof zeroShare === 'number' ? undefined : betaShapes(zeroShare, `${owner}.zeroShare`);
  if (beta !== undefined && !(beta.a > 1 && beta.b > 1)) {
    throw new EspalierError('invalid-option', `${owner}: the Beta prior on zeroShare has no mode.`, {
      remedy: 'Give a and b > 1.',
    });
  }
  const start = beta === undefined ? (zeroShare as number) : (beta.a - 1) / (beta.a + beta.b - 2);
  checkRange(owner, 'zeroShare', start, 1e-6, 1 - 1e-6);
  checkMeans(means, components);
  checkOptions(`${owner}.rates`, rates, ['means', 'precisions', 'shares']);
  const { means: meanRate = 1e-4, precisions = 3e-3, shares = 3e-3 } = rates;
  for (const [name, rate] of Object.entries({ means: meanRate, precisions, shares })) {
    checkRange(`${owner}.rates`, name, rate, 0, huge);
  }
  checkOptions(`${owner}.snap`, snap, ['merge', 'assign', 'values']);
  const { merge = { divergence: 1e-10, distance: 1 }, assign = 'responsible', values = 'means' } = snap;
  checkOptions(`${owner}.snap.merge`, merge, ['divergence', 'distance']);
  for (const [name, value] of Object.entries(merge)) checkRange(`${owner}.snap.merge`, name, value, 0, huge);
  return {
    components,
    tau,
    examples,
    zeroShare: start,
    hyper: {
      zeroPrecision:
        zeroPrecision === false ? undefined : gammaShapes(zeroPrecision, `${owner}.zeroPrecision`),
      precision: precision === false ? undefined : gammaShapes(precision, `${owner}.precision`),
      zeroShare: beta,
    },
    means,
    deviation,
    share: checkOneOf(owner, 'share', share, ['all', 'layer', 'parameter']),
    rates: { means: meanRate, precisions, shares },
    pruneFrom,
    snap: {
      merge,
      assign: checkOneOf(owner, 'snap.assign', assign, ['responsible', 'nearest']),
      values: checkOneOf(owner, 'snap.values', values, ['means', 'averages']),
    },
    frames,
  };
}
