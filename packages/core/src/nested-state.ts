import type { PluginState, StateArray } from './session.js';

/** Between the part and the name: in neither of them, so that no part's name is the beginning of another's. */
const mark = '\n';

/**
 * Puts a part's arrays beside those of others, under its name: what is made of several parts is saved as one state.
 *
 * @returns The part's JSON, null if it has none.
 *
 * @example
 * ```ts
 * import { nestState, type StateArray, unnestState } from '@espalier/core';
 * const arrays: Record<string, StateArray> = {};
 * const json = { first: nestState(arrays, 'first', { json: 1, arrays: { sums: Float32Array.of(2) } }) };
 * const { json: own, arrays: sums } = unnestState(arrays, 'first', json.first);
 * if (own !== 1 || sums?.sums[0] !== 2 || !('first\nsums' in arrays)) throw new Error('unexpected');
 * ```
 */
export function nestState(
  into: Record<string, StateArray>,
  part: string,
  state: PluginState | undefined,
): unknown {
  for (const [name, array] of Object.entries(state?.arrays ?? {})) into[`${part}${mark}${name}`] = array;
  return state?.json ?? null;
}

/** The state of a part that `nestState` put under its name. */
export function unnestState(
  arrays: PluginState['arrays'],
  part: string,
  json: unknown,
): PluginState & { readonly arrays: Readonly<Record<string, StateArray>> } {
  const prefix = `${part}${mark}`;
  const own = Object.entries(arrays ?? {}).filter(([name]) => name.startsWith(prefix));
  return { json, arrays: Object.fromEntries(own.map(([name, array]) => [name.slice(prefix.length), array])) };
}
