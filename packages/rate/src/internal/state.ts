import { EspalierError, type Of, type PluginState } from '@espalier/core';
import { owner, type Resolved } from '../options.js';
import { keys, type RateNumbers } from './numbers.js';

/** All that passes from one session to the next, whether it trains or rounds. */
export interface Known {
  /** By the parameters' names. */
  readonly tensors: ReadonlyMap<string, RateNumbers>;
  /** λ of the last step. */
  readonly weight: number;
  /** The size from which λ is steered, in bytes, once it is known. */
  readonly first: number | undefined;
  /** N, once it is known. */
  readonly examples: number | undefined;
}

interface Json {
  readonly parameters: readonly string[];
  readonly weight: number;
  readonly first: number | null;
  readonly examples: number | null;
}

export function stateOf({ tensors, weight, first, examples }: Known): PluginState {
  const all = [...tensors.values()];
  const json: Json = {
    parameters: [...tensors.keys()],
    weight,
    first: first ?? null,
    examples: examples ?? null,
  };
  const arrays = Object.fromEntries(keys.map((key) => [key, Float32Array.from(all, (own) => own[key])]));
  return { json, arrays };
}

/** @throws EspalierError `bad-state` where it is the state of something else */
export function knownFrom({ json, arrays = {} }: PluginState, options: Resolved): Known {
  const { parameters, weight, first, examples } = (json ?? {}) as Partial<Json>;
  const whole =
    Array.isArray(parameters) &&
    typeof weight === 'number' &&
    keys.every((key) => arrays[key]?.length === parameters.length);
  if (!whole) {
    throw new EspalierError('bad-state', `${owner}: the state is not one that it has saved.`, {
      remedy: 'Give what `await session.save()` of this prior gave.',
    });
  }
  const numbers = (i: number): RateNumbers =>
    Object.fromEntries(keys.map((key) => [key, arrays[key][i]])) as unknown as RateNumbers;
  return {
    tensors: new Map((parameters as readonly string[]).map((name, i) => [name, numbers(i)])),
    weight: weight as number,
    first: first ?? undefined,
    examples: examples ?? options.examples,
  };
}

/** What is known of each parameter. @throws EspalierError `bad-state` for one of which nothing is */
export function numbersOf(of: Of, { tensors }: Known): RateNumbers[] {
  return of.map(({ name }) => {
    const known = tensors.get(name);
    if (known !== undefined) return known;
    throw new EspalierError('bad-state', `${owner}: ${name} has had no part in this prior so far.`, {
      remedy: 'Give every stage that uses the prior the same parameters, or let the first one have them all.',
    });
  });
}
