import {
  EspalierError,
  type Of,
  type Parameter,
  type PluginState,
  type RunState,
  type StateArray,
} from '@espalier/core';
import { owner, type Resolved } from '../options.js';
import { Album } from './album.js';
import { checkNumbers } from './numbers.js';

/** A mixture as it is saved. */
export interface SavedGroup {
  readonly name: string;
  /** Names of the parameters that share it. */
  readonly parameters: readonly string[];
  /** Of its variables, see `initialNumbers`. */
  readonly numbers: readonly Float32Array[];
}

/** All that passes from one session to the next, whether it trains or snaps. */
export interface Known {
  readonly groups: readonly SavedGroup[];
  /** τ of the last step. */
  readonly tau: number;
  /** Share of zeros at the last step, if there was one. */
  readonly zeros: number | undefined;
  /** N, once it is known. */
  readonly examples: number | undefined;
  readonly album: Album;
}

interface Json {
  readonly groups: readonly (readonly [string, readonly string[]])[];
  readonly tau: number;
  readonly zeros: number | null;
  readonly examples: number | null;
  readonly album: unknown;
}

export function stateOf({ groups, tau, zeros, examples, album }: Known): PluginState {
  const arrays: Record<string, StateArray> = {};
  for (const { name, numbers } of groups) {
    for (const [i, values] of numbers.entries()) arrays[`group/${name}/${i}`] = values;
  }
  const json: Json = {
    groups: groups.map(({ name, parameters }) => [name, parameters]),
    tau,
    zeros: zeros ?? null,
    examples: examples ?? null,
    album: album.save(arrays),
  };
  return { json, arrays };
}

/** @throws EspalierError `bad-state` where it is the state of something else */
export function knownFrom(state: PluginState, options: Resolved): Known {
  const { json, arrays = {} } = state;
  const { groups, tau, zeros, examples, album } = (json ?? {}) as Partial<Json>;
  if (!Array.isArray(groups) || typeof tau !== 'number' || !Array.isArray(album)) {
    throw new EspalierError('bad-state', `${owner}: the state is not one that it has saved.`, {
      remedy: 'Give what `await session.save()` of this prior gave.',
    });
  }
  return {
    groups: (groups as Json['groups']).map(([name, parameters]) => {
      const numbers: unknown[] = [];
      for (let i = 0; arrays[`group/${name}/${i}`] !== undefined; i++)
        numbers.push(arrays[`group/${name}/${i}`]);
      checkNumbers(name, numbers, options);
      return { name, parameters, numbers };
    }),
    tau,
    zeros: zeros ?? undefined,
    examples: examples ?? options.examples,
    album: Album.of(state, album),
  };
}

/** A saved mixture's parameters in a run that may hold another model by now: some may be gone. */
export function membersOf(run: RunState, { parameters }: SavedGroup): Parameter[] {
  const now = new Map(run.parameters.map((parameter) => [parameter.name, parameter]));
  return parameters.flatMap((name) => now.get(name) ?? []);
}

/** @throws EspalierError `bad-state` for a parameter that no mixture has */
export function checkMembers(of: Of, groups: readonly { readonly parameters: Iterable<string> }[]): void {
  const known = new Set(groups.flatMap(({ parameters }) => [...parameters]));
  const stranger = of.find(({ name }) => !known.has(name));
  if (stranger === undefined) return;
  throw new EspalierError('bad-state', `${owner}: ${stranger.name} has had no part in this prior so far.`, {
    remedy: 'Give every stage that uses the prior the same parameters, or let the first one have them all.',
  });
}
