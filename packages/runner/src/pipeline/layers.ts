import { disposeModel, seededModel } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, type Sequential, sequential, layers as tfLayers } from '@tensorflow/tfjs-layers';
import { familyOf } from '../recipe/layers/factories.js';
import type { LayerSpec } from '../recipe/layers/schema.js';
import { FaultAt } from '../recipe/located.js';

type Layer = Parameters<Sequential['add']>[0];
type Config = Readonly<Record<string, unknown>>;

const factories = tfLayers as unknown as Readonly<Record<string, (config: Config) => Layer>>;

/** The only entry of a layer's or cell's specification. */
function entryOf(spec: LayerSpec): [string, Config] {
  return Object.entries(spec)[0];
}

/** What an option's value stands for: an initializer and the like, a layer or cell to wrap, or itself. */
function made(option: string, value: unknown, name: string): unknown {
  if (option === 'layer' || option === 'cell' || option === 'cells') {
    // Named for what is around: TF.js would number them by all that the process has built.
    if (!Array.isArray(value))
      return layerOf(value as LayerSpec, `${name}_${entryOf(value as LayerSpec)[0]}`);
    if (option === 'cell') return layerOf({ stackedRNNCells: { cells: value } }, `${name}_stackedRNNCells`);
    return value.map((one: LayerSpec, i) => layerOf(one, `${name}_${entryOf(one)[0]}_${i + 1}`));
  }
  return familyOf(option)?.make(value) ?? value;
}

function layerOf(spec: LayerSpec, fallback: string): Layer {
  const [kind, config] = entryOf(spec);
  const name = typeof config.name === 'string' ? config.name : fallback;
  const args = Object.entries(config).map(([option, value]) => [option, made(option, value, name)]);
  const layer = factories[kind]({ ...Object.fromEntries(args), name });
  // A wrapper loses it on the way to what it wraps.
  if (config.trainable === false) layer.trainable = false;
  return layer;
}

/** What TF.js says, on one line. */
const said = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0].trim();

function fault(path: readonly (string | number)[], kind: string, what: string, cause?: unknown): FaultAt {
  return new FaultAt('bad-model', path, `${kind}: ${what}`, {
    remedy: /not registered for backend/.test(what)
      ? 'Choose another --backend.'
      : 'Change the layer, or what comes before it.',
    cause,
  });
}

/**
 * A sequential model from layers by name; layers without a name are numbered, so that names do not depend on
 * what else the process has built. Tried out on one example of zeros.
 *
 * @throws EspalierError `bad-model`, with the place of the layer, where TF.js refuses it or cannot run it
 */
export function buildSequential(
  name: string,
  inputShape: readonly number[],
  specs: readonly LayerSpec[],
): LayersModel {
  const model = sequential({ name });
  for (const [i, spec] of specs.entries()) {
    const [kind, config] = entryOf(spec);
    const given = i === 0 ? { [kind]: { inputShape, ...config } } : spec;
    try {
      model.add(layerOf(given, `${kind}_${i + 1}`));
    } catch (cause) {
      throw fault(['layers', i, kind], kind, said(cause), cause);
    }
    checkShape(model.layers[i], ['layers', i, kind], kind);
  }
  tryOut(model, specs);
  return model;
}

/** A model with weights that depend on the seed alone, in place of a model as TF.js made it. */
export async function seeded(model: LayersModel, seed: number): Promise<LayersModel> {
  const copy = await seededModel(model, seed);
  disposeModel(model);
  return copy;
}

/** A kernel larger than what it is laid on leaves less than nothing. */
function checkShape({ outputShape, name }: Layer, path: readonly (string | number)[], kind: string): void {
  const shape = (outputShape as (number | null)[]).slice(1);
  if (shape.every((n) => n === null || n >= 1)) return;
  throw new FaultAt('bad-model', path, `${kind}: the output of ${name} would be [${shape}].`, {
    remedy: "Give a smaller kernelSize, poolSize or strides, or padding: 'same'.",
  });
}

/** Runs one example through: what TF.js finds only then is known before any training. */
function tryOut(model: LayersModel, specs: readonly LayerSpec[]): void {
  const [{ shape, dtype }] = model.inputs;
  tf.tidy(() => {
    let x: tf.Tensor = tf.zeros([1, ...(shape.slice(1) as number[])], dtype);
    for (const [i, spec] of specs.entries()) {
      const [kind] = entryOf(spec);
      const layer = model.layers[i];
      try {
        x = layer.apply(x) as tf.Tensor;
      } catch (cause) {
        throw fault(['layers', i, kind], kind, said(cause), cause);
      }
      const promised = (layer.outputShape as (number | null)[]).slice(1);
      if (promised.every((n, axis) => n === null || n === x.shape[axis + 1])) continue;
      throw fault(['layers', i, kind], kind, `TF.js gives [${x.shape.slice(1)}] where it says [${promised}]`);
    }
  });
}
