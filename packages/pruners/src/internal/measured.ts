import { EspalierError, type PluginState } from '@espalier/core';

/** Something a pruner measures once of each parameter, by name, and keeps from stage to stage. */
export type Measured<T> = Map<string, T>;

/**
 * What an earlier session has measured: the part `key` of its state, empty without a state.
 *
 * @param isOne - Whether a value is what is measured.
 * @throws EspalierError `bad-state`
 */
export function measuredIn<T>(
  owner: string,
  key: string,
  state: PluginState | undefined,
  isOne: (value: unknown) => boolean,
): Measured<T> {
  if (state === undefined) return new Map();
  const saved = (state.json as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  const entries = typeof saved === 'object' && saved !== null ? Object.entries(saved) : undefined;
  if (entries?.every(([, value]) => isOne(value))) return new Map(entries);
  throw new EspalierError(
    'bad-state',
    entries === undefined
      ? `${owner}: the saved state has no ${key}.`
      : `${owner}: the ${key} of the saved state are none.`,
    { remedy: `Give the state that a session of ${owner} has saved, or none.` },
  );
}

/** Whether a value has finite numbers under these names. */
export function hasNumbers(...names: readonly string[]): (value: unknown) => boolean {
  return (value) =>
    names.every((name) => Number.isFinite((value as Readonly<Record<string, unknown>> | null)?.[name]));
}
