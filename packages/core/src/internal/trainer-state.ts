import { EspalierError } from '../errors.js';
import type { EpochMetrics } from '../metrics.js';
import type { OptimizerState } from '../optimizer.js';
import type { PluginState, StateArray } from '../plugin.js';
import { readLater } from '../read.js';
import type { Bound } from './bound.js';
import type { Best } from './stopping.js';

interface Json {
  history: EpochMetrics[];
  step: number;
  slots: Record<string, string[]>;
  plugins: Record<string, unknown>;
  best: unknown;
}

/** Puts a part's arrays under a prefix. */
function nest(into: Record<string, StateArray>, prefix: string, arrays: PluginState['arrays']): void {
  for (const [name, array] of Object.entries(arrays ?? {})) into[`${prefix}:${name}`] = array;
}

/** The arrays under a prefix. */
function unnest(from: PluginState['arrays'], prefix: string): Record<string, StateArray> {
  const found: Record<string, StateArray> = {};
  for (const [name, array] of Object.entries(from ?? {})) {
    if (name.startsWith(`${prefix}:`)) found[name.slice(prefix.length + 1)] = array;
  }
  return found;
}

export async function saveTrainer(parts: {
  history: readonly EpochMetrics[];
  best: Best;
  bound: readonly Bound[];
  optimizer: OptimizerState;
  /** Variable name to stable name. */
  names: ReadonlyMap<string, string>;
}): Promise<PluginState> {
  const arrays: Record<string, StateArray> = {};
  const slots: Record<string, string[]> = {};
  // In the order of the names: the optimizer's own depends on when a variable came to it.
  for (const [variable, name] of parts.names) {
    const values = parts.optimizer.slots[variable] ?? {};
    slots[name] = Object.keys(values);
    nest(arrays, `slot:${name}`, values);
  }
  const plugins: Record<string, unknown> = {};
  for (const { schedule, owner } of parts.bound) {
    if (schedule.plugin.save === undefined) continue;
    const state = await schedule.plugin.save(readLater);
    plugins[owner] = state.json ?? null;
    nest(arrays, `plugin:${owner}`, state.arrays);
  }
  const best = parts.best.save();
  nest(arrays, 'best', best.arrays);
  const json: Json = {
    history: [...parts.history],
    step: parts.optimizer.step,
    slots,
    plugins,
    best: best.json,
  };
  return { json, arrays };
}

const sameNames = (names: readonly string[], saved: object | undefined): boolean =>
  saved !== undefined && names.toSorted().join() === Object.keys(saved).sort().join();

/** @throws EspalierError `bad-state` */
export function loadTrainer(
  state: PluginState,
  parts: { best: Best; bound: readonly Bound[]; names: ReadonlyMap<string, string> },
): { history: EpochMetrics[]; optimizer: OptimizerState } {
  const json = state.json as Json | undefined;
  const keepers = parts.bound.filter(({ schedule }) => schedule.plugin.save !== undefined);
  const owners = keepers.map(({ owner }) => owner);
  if (!sameNames(owners, json?.plugins) || !sameNames([...parts.names.values()], json?.slots)) {
    throw new EspalierError('bad-state', 'The saved state belongs to another stage.', {
      remedy: 'Resume with the schedules and the model the state was saved with.',
    });
  }
  for (const { schedule, owner } of keepers) {
    schedule.plugin.load?.({ json: json!.plugins[owner], arrays: unnest(state.arrays, `plugin:${owner}`) });
  }
  parts.best.load({ json: json!.best, arrays: unnest(state.arrays, 'best') });
  const slots: Record<string, Record<string, Float32Array>> = {};
  for (const [variable, name] of parts.names) {
    slots[variable] = unnest(state.arrays, `slot:${name}`) as Record<string, Float32Array>;
  }
  return { history: json!.history, optimizer: { step: json!.step, slots } };
}
