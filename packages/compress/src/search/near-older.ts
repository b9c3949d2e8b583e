import { quantize } from '../choose/quantize.js';
import type { Bench } from '../fidelity/bench.js';
import type { Executable } from '../model/model.js';
import type { Tensors } from '../model/tensors.js';
import type { CompressOptions } from '../options.js';
import type { Plan } from '../plan/tensor-plan.js';
import type { Stage } from '../time-budget.js';
import type { Aim } from './aim.js';
import type { Found } from './coarsest-steps.js';
import { search, type Trial } from './search.js';

/** How hard the coder searches in a trial. */
const trialEffort = 4;

/**
 * Searches for the widest dead zone around what an older file holds that meets the aim: where even the nearest of its places
 * are not enough, for finer ones. `updateBytes`: what the update to a file takes.
 */
export async function nearOlder(
  plans: readonly Plan[],
  older: number,
  model: Executable,
  tensors: Tensors,
  bench: Bench,
  { aim, bytes }: { readonly aim: Aim; readonly bytes: boolean },
  updateBytes: (file: Uint8Array) => number,
  { log = () => {}, onTrial }: CompressOptions,
  stage: Stage,
): Promise<Found> {
  const roundedAt = (fineness: number): ReturnType<typeof quantize> => quantize(plans, fineness, new Map());
  const trials: Trial[] = [];
  const weights = plans.reduce((n, { values }) => n + values.length, 0);
  const { fineness } = await search(
    // Where as much error is added as rounding to the nearest makes.
    1.5 * older,
    aim,
    async (tried) => {
      const rounded = roundedAt(tried);
      const packed = bytes || onTrial ? updateBytes(tensors.encode(rounded, trialEffort)) : 0;
      const quality = !bytes || onTrial ? await bench.psnr(model, rounded) : 0;
      const kept = plans.reduce(
        (n, { older: own, weight }) =>
          n + (own?.kept((rounded.get(weight.name) as { values: Float32Array }).values) ?? 0),
        0,
      );
      const figure = bytes ? packed : quality;
      log(
        `within ${((0.5 * tried) / older).toFixed(2)} steps: ${((100 * kept) / weights).toFixed(1)} % stay, ` +
          `${bytes ? `${figure} bytes` : `${figure.toFixed(2)} dB`}`,
      );
      trials.push({ fineness: tried, figure });
      onTrial?.({ quality, bytes: packed });
      return figure;
    },
    stage,
  );
  return { trials, fineness, roundedAt };
}
