import { EspalierError, nestState, type PluginState, type StateArray, unnestState } from '@espalier/core';

type Parts<T> = Readonly<Record<string, T>>;

/** The states of parts as one state. */
export function join(
  parts: Parts<PluginState | Promise<PluginState> | undefined>,
): PluginState | Promise<PluginState> {
  const states = Object.values(parts);
  if (!states.some((state) => state instanceof Promise)) return joined(parts as Parts<PluginState>);
  return Promise.all(states).then((all) =>
    joined(Object.fromEntries(Object.keys(parts).map((part, i) => [part, all[i]]))),
  );
}

function joined(parts: Parts<PluginState | undefined>): PluginState {
  const json: Record<string, unknown> = {};
  const arrays: Record<string, StateArray> = {};
  for (const [part, state] of Object.entries(parts)) {
    if (state === undefined) continue;
    json[part] = nestState(arrays, part, state);
  }
  return { json, arrays };
}

/** The states of the parts that were joined. @throws EspalierError `bad-state` */
export function split(owner: string, { json, arrays = {} }: PluginState): Record<string, PluginState> {
  if (typeof json !== 'object' || json === null) {
    throw new EspalierError('bad-state', `${owner}: the saved state is of another plugin.`);
  }
  return Object.fromEntries(
    Object.entries(json).map(([part, own]) => [part, unnestState(arrays, part, own)]),
  );
}
