import { EspalierError } from '../errors.js';
import type { EpochMetrics } from '../metrics.js';
import { nestState, unnestState } from '../nested-state.js';
import type { OptimizerState } from '../optimizer.js';
import { readLater } from '../read.js';
import type { Running } from '../running.js';
import type { PluginState, StateArray } from '../session.js';
import type { Bound, Planned } from './bound.js';
import type { Best } from './stopping.js';

interface Json {
  history: EpochMetrics[];
  step: number;
  slots: Record<string, string[]>;
  plugins: Record<string, unknown>;
  best: unknown;
}

/** The running plugins by owner: those whose state is the trainer's to keep. */
const kept = (bound: readonly Bound[]): readonly Running[] =>
  bound.flatMap(({ running, lent }) => (lent ? [] : [running]));

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
    nestState(arrays, `slot:${name}`, { arrays: values });
  }
  const plugins: Record<string, unknown> = {};
  for (const running of kept(parts.bound)) {
    const state = await running.save(readLater);
    plugins[running.owner] = nestState(arrays, `plugin:${running.owner}`, state);
  }
  const best = parts.best.save();
  nestState(arrays, 'best', best);
  const { history, optimizer } = parts;
  const json: Json = { history: [...history], step: optimizer.step, slots, plugins, best: best.json };
  return { json, arrays };
}

function ofAnother(): EspalierError {
  return new EspalierError('bad-state', 'The saved state belongs to another stage.', {
    remedy: 'Resume with the schedules and the model the state was saved with.',
  });
}

const sameNames = (names: readonly string[], saved: object | undefined): boolean =>
  saved !== undefined && names.toSorted().join() === Object.keys(saved).sort().join();

/** What the plugins of a stage go on with, by owner. @throws EspalierError `bad-state` */
export function statesIn(
  state: PluginState | undefined,
  planned: readonly Planned[],
): (owner: string) => PluginState | undefined {
  if (state === undefined) return () => undefined;
  const plugins = (state.json as Partial<Json> | null | undefined)?.plugins;
  const owners = planned.flatMap(({ owner, running }) => (running === undefined ? [owner] : []));
  if (plugins === undefined || !sameNames(owners, plugins)) throw ofAnother();
  return (owner) => unnestState(state.arrays, `plugin:${owner}`, plugins[owner]);
}

/** The rest of a trainer's state. @throws EspalierError `bad-state` */
export function loadTrainer(
  state: PluginState,
  { best, names }: { best: Best; names: ReadonlyMap<string, string> },
): { history: EpochMetrics[]; optimizer: OptimizerState } {
  const json = state.json as Json | undefined;
  if (json === undefined || !sameNames([...names.values()], json.slots)) throw ofAnother();
  best.load(unnestState(state.arrays, 'best', json.best));
  const slots: Record<string, Record<string, Float32Array>> = {};
  for (const [variable, name] of names) {
    slots[variable] = unnestState(state.arrays, `slot:${name}`, null).arrays as Record<string, Float32Array>;
  }
  return { history: json.history, optimizer: { step: json.step, slots } };
}
