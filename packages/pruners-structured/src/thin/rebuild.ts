import { type AxisSelection, EspalierError, type Parameter, parametersOf, topologyOf } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, models } from '@tensorflow/tfjs-layers';
import { nameOf, within } from '../graph/places.js';
import type { Size, Trace } from '../graph/trace.js';
import type { Decision } from './decide.js';
import type { Fold } from './fold.js';
import { restoreInitializers, skipInitializers } from './initializers.js';

type Config = Record<string, unknown>;
interface LayerJson {
  readonly config: Config;
}

/** The configuration of a layer in a model's JSON. */
function locate(topology: LayerJson, path: readonly string[]): Config | undefined {
  let config: Config | undefined = topology.config;
  for (const part of path) {
    if (part === within.layer) config = (config?.layer as LayerJson | undefined)?.config;
    else if (part === within.cell) config = (config?.cell as LayerJson | undefined)?.config;
    else {
      const list = (Array.isArray(config) ? config : config?.layers) as LayerJson[] | undefined;
      config = list?.find((layer) => layer.config.name === part)?.config;
    }
  }
  return config;
}

function resize(topology: LayerJson, { path, key, atoms }: Size, kept: number): void {
  if (kept === atoms.length) return;
  const config = locate(topology, path);
  // Not every layer repeats the shape of its input.
  if (key === 'batch_input_shape' && config?.[key] === undefined) return;
  if (config === undefined || config[key] === undefined) {
    throw new EspalierError('unsupported-layer', `The configuration of ${nameOf(path)} has no '${key}'.`);
  }
  const { [key]: size } = config;
  config[key] = Array.isArray(size) ? [...size.slice(0, -1), kept] : kept;
}

/** Which indices stay along the axes of each weight that loses some. */
export function selections(trace: Trace, { removed }: Decision): Map<string, AxisSelection[]> {
  const kept = new Map<string, AxisSelection[]>();
  for (const { parameter, axis, atoms } of trace.slots.values()) {
    const indices = Int32Array.from(atoms.keys()).filter((i) => !removed(atoms[i]));
    if (indices.length === atoms.length) continue;
    kept.set(parameter.name, [...(kept.get(parameter.name) ?? []), { axis, indices }]);
  }
  return kept;
}

/** Zeroes what is read of channels that stay only because a tensor must have one. */
function unread(trace: Trace, { spare, removed }: Decision): Map<string, tf.Tensor[]> {
  const masks = new Map<string, tf.Tensor[]>();
  for (const { parameter, axis, part, atoms } of trace.slots.values()) {
    if (part !== 'reads' || !atoms.some((atom) => spare(atom) && !removed(atom))) continue;
    const along = Float32Array.from(atoms, (atom) => (spare(atom) ? 0 : 1));
    const shape = parameter.shape.map((n, i) => (i === axis ? n : 1));
    masks.set(parameter.name, [...(masks.get(parameter.name) ?? []), tf.reshape(along, shape)]);
  }
  return masks;
}

function valuesOf(
  old: Parameter | undefined,
  added: Float64Array | undefined,
  masks: readonly tf.Tensor[],
  cuts: readonly AxisSelection[],
  shape: readonly number[],
): tf.Tensor {
  let values: tf.Tensor = old === undefined ? tf.zeros([added?.length ?? shape[0]]) : tf.clone(old.variable);
  for (const mask of masks) values = tf.mul(values, mask);
  if (added !== undefined) values = tf.add(values, tf.tensor1d(Float32Array.from(added)));
  for (const { axis, indices } of cuts) values = tf.gather(values, tf.tensor1d(indices, 'int32'), axis);
  return values;
}

/** A new model of the smaller sizes, with the weights that stay and the constants folded into its biases. */
export async function rebuild(
  model: LayersModel,
  trace: Trace,
  decision: Decision,
  folded: readonly Fold[],
): Promise<{ readonly model: LayersModel; readonly kept: Map<string, AxisSelection[]> }> {
  trace.places.checkOnce();
  const topology = topologyOf(model) as unknown as LayerJson;
  for (const size of trace.sizes.values()) {
    resize(topology, size, size.atoms.filter((atom) => !decision.removed(atom)).length);
  }
  for (const { path, isNew } of folded) if (isNew) locate(topology, path)!.use_bias = true;
  skipInitializers(topology);
  const smaller = await models.modelFromJSON({ modelTopology: topology } as never);
  restoreInitializers(model, smaller);

  const kept = selections(trace, decision);
  const cuts = new Map<string, readonly AxisSelection[]>(kept);
  const before = new Map(trace.parameters.map((p) => [p.name, p]));
  const added = new Map(folded.map((fold) => [fold.bias, fold.added]));
  // A bias that is new lies along the same outputs as the kernel.
  for (const { biasName, outputs } of trace.reads.values()) {
    if (before.has(biasName)) continue;
    const indices = Int32Array.from(outputs.keys()).filter((i) => !decision.removed(outputs[i]));
    if (indices.length < outputs.length) cuts.set(biasName, [{ axis: 0, indices }]);
  }
  tf.tidy(() => {
    const masks = unread(trace, decision);
    for (const { name, shape, variable } of parametersOf(smaller)) {
      const values = valuesOf(
        before.get(name),
        added.get(name),
        masks.get(name) ?? [],
        cuts.get(name) ?? [],
        shape,
      );
      if (values.shape.join() !== shape.join()) {
        throw new EspalierError(
          'shape-mismatch',
          `${name} was cut to [${values.shape}], but the smaller model has [${shape}].`,
          {
            remedy:
              'Please report this model: its layers are tied in a way that dependencyGroups does not see.',
          },
        );
      }
      variable.assign(values);
    }
  });
  return { model: smaller, kept };
}
