import { EspalierError } from '../errors.js';
import type { Moment } from '../moment.js';
import { isPruner, isQuantizer, isRegularizer, type Of, type Pruner } from '../plugin.js';
import { readLater } from '../read.js';
import type { Run } from '../run.js';
import { masksFrom, quantizedFrom } from './answers.js';
import type { Bound } from './bound.js';

/** Sets a pruner's masks. Returns the parameters that are trained differently from now on. */
async function prune(run: Run, plugin: Pruner, of: Of, at: Moment, owner: string): Promise<Of> {
  const taken = of.find((p) => run.shared(p) !== undefined);
  if (taken !== undefined) {
    throw new EspalierError(
      'invalid-schedule',
      `${plugin.name} prunes ${taken.name}, whose values are shared.`,
      {
        remedy: 'Prune first, quantise after.',
      },
    );
  }
  if (plugin.revives) for (const p of of) run.keepDense(p);
  const masks = masksFrom(plugin, await plugin.masks(of, at, readLater));
  run.setMasks(masks, owner);
  // A dense copy is what is trained, also where the pruner has left a parameter alone.
  return plugin.revives ? of : [...masks.keys()];
}

/**
 * Runs a schedule's plugin if it is due before step `step`, and ends dense copies when a schedule ends.
 *
 * Returns the parameters that are trained differently from now on: masked, shared, or without their dense copy.
 */
export async function fire(
  run: Run,
  { schedule: { plugin }, of, time, owner }: Bound,
  step: number,
  stepsPerEpoch: number,
): Promise<Of> {
  const at = time.at(step);
  if (isPruner(plugin)) {
    if (at !== undefined) return prune(run, plugin, of, at, owner);
    if (!plugin.revives || step !== time.end * stepsPerEpoch) return [];
    for (const p of of) run.dropDense(p);
    return of;
  }
  // A quantizer that is also a regularizer (a mixture prior) only regularizes while training goes on.
  if (at === undefined || !isQuantizer(plugin) || isRegularizer(plugin)) return [];
  const tensors = quantizedFrom(plugin, await plugin.quantize(of, at, readLater));
  await run.shareAll(tensors);
  return [...tensors.keys()];
}
