import { type LayersModel, models } from '@tensorflow/tfjs-layers';
import { layersOf } from './parameters.js';
import { hash, hashString } from './random.js';
import { topologyOf } from './topology.js';

/** Every `seed` that is null or absent in an initializer's config gets one derived from its place. */
function seedConfig(value: unknown, seed: number, path: string): unknown {
  if (Array.isArray(value)) return value.map((item, i) => seedConfig(item, seed, `${path}/${i}`));
  if (value === null || typeof value !== 'object') return value;
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) copy[key] = seedConfig(item, seed, `${path}/${key}`);
  const { class_name: className, config } = copy;
  if (
    /_initializer$/.test(path) &&
    typeof className === 'string' &&
    config !== null &&
    typeof config === 'object'
  ) {
    const own = config as Record<string, unknown>;
    if ('seed' in own && (own.seed === null || own.seed === undefined))
      own.seed = hash(seed, hashString(path)) & 0x7fffffff;
  }
  return copy;
}

/**
 * A copy of a model with initial weights that depend on the seed alone: every initializer without a seed gets
 * one. The copy has fresh weights and no optimizer; the original is not touched.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { seededModel } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [2] })] });
 * const [a, b] = [await seededModel(model, 1), await seededModel(model, 1)];
 * if (a.getWeights()[0].dataSync().join() !== b.getWeights()[0].dataSync().join()) throw new Error('differ');
 * ```
 */
export async function seededModel(model: LayersModel, seed: number): Promise<LayersModel> {
  return models.modelFromJSON({ modelTopology: seedConfig(topologyOf(model), seed, '') } as never);
}

interface Noisy {
  seed?: number;
  dropout?: number;
  recurrentDropout?: number;
}

/** A function that gives each dropout layer of a model the seed of a step. */
export function dropoutSeeder(model: LayersModel, seed: number): (step: number) => void {
  const noisy = layersOf(model).filter((layer) => /Dropout/.test(layer.getClassName()) && 'seed' in layer);
  return (step) => {
    for (const [i, layer] of noisy.entries()) {
      (layer as unknown as Noisy).seed = hash(seed, step, i) & 0x7fffffff;
    }
  };
}

/**
 * Layers that draw from `Math.random` whatever seed is given (TF.js 4.22): with one of these a run cannot be
 * repeated bit for bit.
 */
export function unseededLayers(model: LayersModel): string[] {
  return layersOf(model)
    .filter((layer) => {
      const { cell } = layer as unknown as { cell?: Noisy & { cells?: readonly Noisy[] } };
      return (
        /^(GaussianNoise|GaussianDropout|AlphaDropout)$/.test(layer.getClassName()) ||
        (cell?.cells ?? [cell]).some((c) => (c?.dropout ?? 0) > 0 || (c?.recurrentDropout ?? 0) > 0)
      );
    })
    .map((layer) => layer.name);
}
