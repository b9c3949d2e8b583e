import {
  checkNames,
  EspalierError,
  type Of,
  type Parameter,
  type PluginState,
  type Read,
  type RunState,
} from '@espalier/core';
import type { Resolved } from '../options.js';
import { Album } from './album.js';
import { LayerPosterior } from './layer-posterior.js';
import { checkKernel, type LayerNumbers, startNumbers, startOf } from './layer-start.js';
import { picture } from './picturing.js';
import { biasOf, type Known, knownFrom, savedPosterior } from './state.js';

/** The posteriors of a session that trains them, and what it goes on from. */
export interface Posteriors extends Pick<Known, 'before' | 'examples' | 'album'> {
  /** By the kernels' names. */
  readonly layers: ReadonlyMap<string, LayerPosterior>;
  /** What was learned of layers that the model has no longer, or has cut since. */
  readonly cut: ReadonlyMap<string, LayerNumbers>;
  /** The kernels of the schedule. */
  readonly kernels: readonly Parameter[];
}

/** Kernels among the parameters; biases come with their kernels. */
function kernelsOf(of: Of): Parameter[] {
  return of.filter(({ role }) => role !== 'bias');
}

/** Throws what new posteriors would throw. @throws EspalierError `invalid-option`, `unsupported-layer`, `unknown-name` */
export function checkParameters(of: Of, options: Resolved): void {
  const { owner, structure, threshold, maxDeviation } = options;
  const kernels = kernelsOf(of);
  if (kernels.length === 0) {
    throw new EspalierError('invalid-option', `${owner}: the schedule names no kernel.`, {
      remedy: "Give parameters: '**/kernel', or leave them out.",
    });
  }
  for (const kernel of kernels) checkKernel(owner, kernel);
  for (const option of [structure, threshold]) checkNames<string | number>(option, kernels);
  checkNames(maxDeviation, kernels);
}

/** New posteriors, started at the weights. @throws as `checkParameters` */
export function newPosteriors(
  run: RunState,
  of: Of,
  options: Resolved,
  read: Read,
): Posteriors | Promise<Posteriors> {
  checkParameters(of, options);
  const kernels = kernelsOf(of);
  const album = new Album();
  const first = (made: Posteriors): Posteriors | Promise<Posteriors> => {
    if (!options.frames) return made;
    const pictured = picture(run, [...made.layers.values()], { album, epochs: 0 }, read);
    return pictured instanceof Promise ? pictured.then(() => made) : made;
  };
  const opened = read(
    () => kernels.map((kernel) => startOf(kernel, options)),
    (seen) => {
      const layers = kernels.map((kernel, i): [string, LayerPosterior] => {
        const bias = biasOf(run, kernel);
        const numbers = startNumbers(kernel, bias, options, seen[i]);
        return [kernel.name, new LayerPosterior(kernel, bias, options, numbers)];
      });
      const before = new Map(kernels.map(({ name, size }) => [name, size]));
      const { examples } = options;
      return {
        layers: new Map(layers),
        cut: new Map<string, LayerNumbers>(),
        kernels,
        before,
        examples,
        album,
      };
    },
  );
  return opened instanceof Promise ? opened.then(first) : first(opened);
}

/** The posteriors that were saved. @throws EspalierError `bad-state` */
export function savedPosteriors(run: RunState, of: Of, state: PluginState, options: Resolved): Posteriors {
  const known = knownFrom(state, options);
  const kernels = kernelsOf(of);
  const stranger = kernels.find(({ name }) => !known.layers.has(name));
  if (stranger !== undefined) {
    throw new EspalierError(
      'bad-state',
      `${options.owner}: ${stranger.name} has had no part in this posterior so far.`,
      { remedy: 'Train all layers in the first stage that uses it.' },
    );
  }
  const layers = new Map<string, LayerPosterior>();
  const cut = new Map<string, LayerNumbers>();
  try {
    for (const [name, numbers] of known.layers) {
      const layer = savedPosterior(run, name, numbers, options);
      if (layer === undefined) cut.set(name, numbers);
      else layers.set(name, layer);
    }
  } catch (error) {
    for (const layer of layers.values()) layer.dispose();
    throw error;
  }
  return { ...known, layers, cut, kernels };
}
