import {
  EspalierError,
  type Parameter,
  type PluginState,
  type RunState,
  type StateArray,
} from '@espalier/core';
import type { Resolved } from '../options.js';
import { Album } from './album.js';
import { LayerPosterior } from './layer-posterior.js';
import { type LayerNumbers, linearOfKernel, sizesOf } from './layer-start.js';

/** All that passes from one session to the next, whether it trains or rounds. */
export interface Known {
  /** By the kernels' names. */
  readonly layers: ReadonlyMap<string, LayerNumbers>;
  /** Weights of each kernel before anything was pruned. */
  readonly before: ReadonlyMap<string, number>;
  /** N, once it is known. */
  readonly examples: number | undefined;
  readonly album: Album;
}

interface Json {
  readonly kernels: readonly string[];
  readonly before: readonly (readonly [string, number])[];
  readonly examples: number | null;
  readonly album: unknown;
}

export function nothingKnown(options: Resolved): Known {
  return { layers: new Map(), before: new Map(), examples: options.examples, album: new Album() };
}

export function stateOf({ layers, before, examples, album }: Known): PluginState {
  const arrays: Record<string, StateArray> = {};
  for (const [name, { variables, dropped }] of layers) {
    for (const [key, values] of Object.entries(variables)) arrays[`${name}/${key}`] = values;
    arrays[`${name}/dropped`] = dropped.slice();
  }
  const json: Json = {
    kernels: [...layers.keys()],
    before: [...before],
    examples: examples ?? null,
    album: album.save(),
  };
  return { json, arrays };
}

/** @throws EspalierError `bad-state` where it is the state of something else */
export function knownFrom({ json, arrays = {} }: PluginState, { owner, examples }: Resolved): Known {
  const saved = (json ?? {}) as Partial<Json>;
  if (!Array.isArray(saved.kernels) || !Array.isArray(saved.before) || saved.album === undefined) {
    throw new EspalierError('bad-state', `${owner}: the state is not one that it has saved.`, {
      remedy: 'Give what `await session.save()` of this prior gave.',
    });
  }
  const numbersOf = (kernel: string): LayerNumbers => {
    const own = Object.entries(arrays).filter(([key]) => key.startsWith(`${kernel}/`));
    const named = Object.fromEntries(own.map(([key, values]) => [key.slice(kernel.length + 1), values]));
    const { dropped = new Uint8Array(0), ...variables } = named;
    return { variables: variables as LayerNumbers['variables'], dropped: dropped as Uint8Array };
  };
  return {
    layers: new Map((saved.kernels as string[]).map((kernel) => [kernel, numbersOf(kernel)])),
    before: new Map(saved.before),
    examples: saved.examples ?? examples,
    album: Album.of(saved.album),
  };
}

/** The bias that comes with a kernel, where there is one to train. */
export function biasOf(run: RunState, { layer }: Parameter): Parameter | undefined {
  return run.parameters.find((p) => p.layer === layer && p.role === 'bias' && p.trainable);
}

/**
 * The posterior of a kernel that was saved; undefined where the model was cut since, or the layer is another.
 *
 * @throws EspalierError `bad-state` where something is missing
 */
export function savedPosterior(
  run: RunState,
  name: string,
  numbers: LayerNumbers,
  options: Resolved,
): LayerPosterior | undefined {
  const { variables, dropped } = numbers;
  const kernel = run.parameters.find((p) => p.name === name);
  if (kernel === undefined || typeof linearOfKernel(kernel) === 'string') return undefined;
  if (variables.logVariance !== undefined && variables.logVariance.length !== kernel.size) return undefined;
  const bias = biasOf(run, kernel);
  const sizes = sizesOf(kernel, bias, options);
  const missing = Object.entries(sizes).find(
    ([key, size]) => (key === 'dropped' ? dropped : variables[key])?.length !== size,
  );
  if (missing === undefined) return new LayerPosterior(kernel, bias, options, numbers);
  throw new EspalierError(
    'bad-state',
    `${options.owner}: the saved posterior has no ${missing[0]} of ${missing[1]} numbers for ${name}.`,
    { remedy: 'Resume with the recipe and the model the state was saved with.' },
  );
}
