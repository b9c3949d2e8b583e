import { type RunState, type Seen, settingOf } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { groupIndices } from '../groups.js';
import type { Resolved } from '../options.js';
import { horseshoeRange, suggestThreshold } from '../threshold.js';
import { groupRates, type Judged } from './judge.js';
import type { LayerPosterior } from './layer-posterior.js';

/** What is read to judge a posterior's groups. */
export type LookedAt = {
  readonly means: tf.Tensor;
  readonly logVariances: tf.Tensor;
  readonly mask: tf.Tensor | undefined;
  readonly rates: tf.Tensor;
};

/** What a posterior's groups are judged by, to be read. Within a tidy. */
export function look(posterior: LayerPosterior, run: RunState): LookedAt {
  const { kernel, logVariance, scales } = posterior;
  return {
    means: kernel.variable,
    logVariances: posterior.bounded(logVariance),
    mask: run.mask(kernel),
    rates: scales.rates(),
  };
}

/** The weights that were read, with their groups. */
export function judgedOf({ kernel, groups }: LayerPosterior, seen: Seen<LookedAt>): Judged {
  const { means, logVariances, mask } = seen;
  return { group: groupIndices(kernel.shape, groups), means, logVariances, mask };
}

/** What each group is judged by, see `groupRates`. */
export function ratesOf(posterior: LayerPosterior, seen: Seen<LookedAt>): Float32Array {
  return groupRates(seen.rates, posterior.scales.relative, judgedOf(posterior, seen));
}

/** Where groups go by the options: log α from -4 to 3; a horseshoe's modes from e⁻⁵ to e⁻¹⁰. */
export function thresholdOf(
  { kernel }: LayerPosterior,
  rates: Float32Array,
  { threshold, horseshoe }: Resolved,
): { threshold: number; clarity: number } {
  // What is pruned already says nothing about the rest, but shows where the other mode is.
  const suggested = suggestThreshold(rates, horseshoe ? horseshoeRange : undefined);
  const own = settingOf<string | number>(threshold, kernel) ?? 'gap';
  return typeof own === 'string' ? suggested : { threshold: own, clarity: suggested.clarity };
}
