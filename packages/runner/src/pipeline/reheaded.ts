import { EspalierError, layersOf, nearestName, topologyOf } from '@espalier/core';
import { type LayersModel, models, model as newModel } from '@tensorflow/tfjs-layers';
import type { LayerSpec } from '../recipe/layers/schema.js';
import { FaultAt } from '../recipe/located.js';
import { buildSequential, seeded } from './layers.js';
import { readLayersModel } from './model-files.js';

/** A trained model that a recipe goes on from. */
export interface Reheaded {
  /** Its file. */
  readonly from: string;
  /** The layer after which it is cut off. Default: its last one. */
  readonly until?: string | undefined;
  /** What comes after it. */
  readonly layers?: readonly LayerSpec[] | undefined;
}

/** The layers of a model in its JSON. */
interface Topology {
  readonly config: { readonly layers: readonly { readonly class_name: string; readonly config: Config }[] };
}
interface Config {
  batch_input_shape?: (number | null)[];
}

/** The given model's layers that are left out are disposed of. @throws EspalierError `unknown-name` when there is no such layer */
function cutAfter(model: LayersModel, until: string): LayersModel {
  const layer = model.layers.find(({ name }) => name === until);
  if (layer !== undefined && !Array.isArray(layer.output)) {
    const cut = newModel({ name: model.name, inputs: model.inputs, outputs: layer.output });
    for (const one of model.layers) if (!cut.layers.includes(one)) one.dispose();
    return cut;
  }
  const names = model.layers.map(({ name }) => name);
  const near = nearestName(until, names);
  throw new FaultAt('unknown-name', ['until'], `The model has no layer '${until}' with one output.`, {
    remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Its last ones: ${names.slice(-8).join(', ')}.`,
  });
}

const ofShape = (shape: readonly (number | null)[], wanted: readonly number[]): boolean =>
  shape.length === wanted.length && shape.every((n, axis) => n === wanted[axis]);

/** The same layers and weights for inputs of another size. The given model is disposed of. */
async function resized(model: LayersModel, inputShape: readonly number[]): Promise<LayersModel> {
  const [{ shape }] = model.inputs;
  if (model.inputs.length !== 1 || ofShape(shape.slice(1), inputShape)) return model;
  const modelTopology = structuredClone(topologyOf(model)) as unknown as Topology;
  for (const { class_name: kind, config } of modelTopology.config.layers) {
    if (kind === 'InputLayer') config.batch_input_shape = [null, ...inputShape];
  }
  const made = await models.modelFromJSON({ modelTopology } as never);
  made.setWeights(model.getWeights());
  model.dispose();
  return made;
}

/**
 * A trained model for inputs of another size, cut off after a layer, and fresh layers after it, whose weights depend on
 * the seed alone. Nothing of it is frozen, whatever the file says.
 *
 * @param inputShape - Of one example of the data.
 * @throws EspalierError as `readLayersModel`; `unknown-name` for a layer that is not there; `bad-model` where TF.js cannot
 *   take it at that size, or cannot put the layers after it
 */
export async function reheaded(
  name: string,
  { from, until, layers = [] }: Reheaded,
  inputShape: readonly number[],
  seed: number,
): Promise<LayersModel> {
  const whole = await readLayersModel(from);
  const cut = cutAfter(whole, until ?? whole.layers.at(-1)!.name);
  const kept = await resized(cut, inputShape).catch((cause: Error) => {
    throw new EspalierError('bad-model', `${from} does not take [${inputShape}]: ${cause.message}`, {
      cause,
      remedy:
        "Cut it earlier with 'until' (before it is flattened), or give the data the size it was made for.",
    });
  });
  // Whoever published it may have frozen some in their last training: here, stages say what is frozen.
  for (const layer of layersOf(kept)) layer.trainable = true;
  const twice = layers
    .flatMap((spec) => Object.values(spec).map((config) => config.name))
    .find((own) => kept.layers.some((layer) => layer.name === own));
  if (twice !== undefined) {
    throw new EspalierError('bad-model', `There is a layer '${twice}' in ${from} already.`, {
      remedy: 'Name the new one differently.',
    });
  }
  let x = kept.output;
  if (layers.length > 0) {
    const [{ shape }] = kept.outputs;
    const head = await seeded(buildSequential(`${name}_head`, shape.slice(1) as number[], layers), seed);
    for (const layer of head.layers) x = layer.apply(x) as typeof x;
  }
  return newModel({ name, inputs: kept.inputs, outputs: x });
}
