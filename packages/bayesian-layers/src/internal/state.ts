import {
  EspalierError,
  type Parameter,
  type PluginState,
  type Read,
  type Run,
  type StateArray,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayerPosterior } from './layer-posterior.js';

/** What a posterior's state says beside its arrays. */
export interface Json {
  readonly kernels: readonly string[];
  readonly before: readonly (readonly [string, number])[];
  readonly examples: number | null;
  readonly album: unknown;
}

/** The kernels of a saved posterior that are what they were: thinning may have cut others. */
export function saved(run: Run, { json, arrays = {} }: PluginState): Parameter[] {
  const { kernels } = json as Json;
  return run.parameters.filter(
    ({ name, size }) => kernels.includes(name) && arrays[`${name}/logVariance`]?.length === size,
  );
}

type Layers = ReadonlyMap<string, LayerPosterior>;

/** The state of layers by their kernels' names, and what else there is to say. */
export function saveLayers(
  layers: Layers,
  rest: Omit<Json, 'kernels'>,
  read: Read,
): PluginState | Promise<PluginState> {
  return read(
    () => [...layers.values()].map((layer) => layer.variables as Record<string, tf.Tensor>),
    (seen): PluginState => {
      const arrays: Record<string, StateArray> = {};
      for (const [i, [name, layer]] of [...layers].entries()) {
        for (const [key, values] of Object.entries(seen[i])) arrays[`${name}/${key}`] = values;
        arrays[`${name}/dropped`] = layer.dropped.slice();
      }
      return { json: { kernels: [...layers.keys()], ...rest }, arrays };
    },
  );
}

/** @throws EspalierError `bad-state` where something is missing */
export function loadLayers(layers: Layers, { arrays = {} }: PluginState): void {
  for (const [name, layer] of layers) {
    if (layer.stale) continue;
    for (const [key, variable] of Object.entries(layer.variables)) {
      const values = arrays[`${name}/${key}`] as Float32Array | undefined;
      if (values?.length !== variable.size) {
        throw new EspalierError('bad-state', `The saved posterior has no ${key} of ${name}.`, {
          remedy: 'Resume with the recipe and the model the state was saved with.',
        });
      }
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, 'float32') as tf.Tensor));
    }
    layer.dropped.set(arrays[`${name}/dropped`] as Uint8Array);
  }
}
