import { checkOptions, checkRange } from '@espalier/core';
import { checkWeight, type RateWeight } from './weight.js';

/** Options of {@link ratePrior}. */
export interface RatePriorOptions {
  /** λ, what a bit costs: the penalty is λ · bits / N. Default `{ from: 0.1, to: 1, over: 0.6 }`. */
  readonly weight?: RateWeight;
  /** N, the number of training examples. Default: steps per epoch × batch size. */
  readonly examples?: number;
  /** The steps start at so much of the mean magnitude of a tensor's weights, > 0. Default 0.67. */
  readonly step?: number;
  /** Learning rates of what is learned beside the weights; each falls to 0 over the stage, as half a cosine. */
  readonly rates?: {
    /** Of the logarithms of the steps. Default 2e-3. */
    readonly steps?: number;
    /** Of the model of the levels. Default 5e-3. */
    readonly model?: number;
  };
  /**
   * From which part of the stage on, in [0, 1), weights that are at level 0 are pruned at every firing: they become 0
   * and stay so, and units and filters that come to nothing can be thinned out. Default: never; the quantizer makes
   * them 0.
   */
  readonly pruneFrom?: number;
  /**
   * From which part of the stage on, in [0, 1), the steps stay as they are, and the weights have the rest of it to
   * settle. A step that is still learned wavers between two values that a file may have, and with it its whole tensor.
   * Default: never.
   */
  readonly settleFrom?: number;
}

/** Options that have been checked, with their defaults. */
export interface Resolved {
  readonly weight: RateWeight;
  readonly examples: number | undefined;
  readonly step: number;
  readonly rates: { readonly steps: number; readonly model: number };
  readonly pruneFrom: number | undefined;
  readonly settleFrom: number | undefined;
}

export const owner = 'ratePrior';
const huge = Number.MAX_VALUE;

/** @throws EspalierError `unknown-option`, `invalid-option` */
export function resolve(options: RatePriorOptions): Resolved {
  const known: readonly (keyof RatePriorOptions)[] = [
    'weight',
    'examples',
    'step',
    'rates',
    'pruneFrom',
    'settleFrom',
  ];
  checkOptions(owner, options, known);
  const { weight = { from: 0.1, to: 1 }, examples, step = 0.67, rates = {}, pruneFrom, settleFrom } = options;
  checkWeight(owner, weight);
  if (examples !== undefined) checkRange(owner, 'examples', examples, 1, huge);
  checkRange(owner, 'step', step, Number.MIN_VALUE, huge);
  checkOptions(`${owner}.rates`, rates, ['steps', 'model']);
  const { steps = 2e-3, model = 5e-3 } = rates;
  checkRange(`${owner}.rates`, 'steps', steps, 0, huge);
  checkRange(`${owner}.rates`, 'model', model, 0, huge);
  if (pruneFrom !== undefined) checkRange(owner, 'pruneFrom', pruneFrom, 0, 0.999);
  if (settleFrom !== undefined) checkRange(owner, 'settleFrom', settleFrom, 0, 0.999);
  return { weight, examples, step, rates: { steps, model }, pruneFrom, settleFrom };
}
