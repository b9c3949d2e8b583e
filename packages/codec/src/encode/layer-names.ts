/** A layer in the JSON of a LayersModel; of a model among them `config` has `layers`, or is the list of them. */
export interface LayerJson {
  readonly class_name?: string;
  name?: unknown;
  config: LayerConfig;
  inbound_nodes?: unknown;
}

export interface LayerConfig {
  name?: unknown;
  trainable?: unknown;
  readonly layers?: LayerJson[];
  readonly layer?: LayerJson;
  input_layers?: unknown;
  output_layers?: unknown;
  readonly [key: string]: unknown;
}

/** A layer, the model that it is in, and the names of the models around it and its own. */
export interface Placed {
  readonly layer: LayerJson;
  readonly parent: LayerJson;
  readonly path: readonly string[];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isLayer = (value: unknown): value is LayerJson =>
  isObject(value) && typeof value.config === 'object' && value.config !== null;

/** The layers of a model; undefined of a layer that is none. */
function layersIn({ config }: LayerJson): LayerJson[] | undefined {
  const list: unknown = Array.isArray(config) ? config : config.layers;
  return Array.isArray(list) ? list.filter(isLayer) : undefined;
}

const nameOf = ({ config, name }: LayerJson): string => String(config.name ?? name ?? '');

/** The model that a topology describes, as TF.js and its converter write it; undefined of a graph and of what is neither. */
export function layersModelOf(topology: unknown): LayerJson | undefined {
  const model = isObject(topology) ? (topology.model_config ?? topology) : undefined;
  return isLayer(model) && layersIn(model) ? model : undefined;
}

/** All layers of a model, those in models inside of it too, in order. Wrappers of models do not add to the path, their models do not. */
export function* placedLayers(
  parent: LayerJson,
  outer: readonly string[] = [],
): Generator<Placed, void, undefined> {
  for (const layer of layersIn(parent) ?? []) {
    const path = [...outer, nameOf(layer)];
    const { layer: wrapped } = layer.config;
    if (layersIn(layer)) yield* placedLayers(layer, path);
    else if (isLayer(wrapped) && layersIn(wrapped)) yield* placedLayers(wrapped, path);
    else yield { layer, parent, path };
  }
}

/** A layer, or a model, as TF.js and Keras write it. */
interface Nameable {
  name?: unknown;
  readonly config: object;
  inbound_nodes?: unknown;
}

/**
 * Gives a layer in the JSON of a model another name, also where its neighbours and the ends of its model mention it.
 *
 * @example
 * ```ts
 * import { renameLayer } from '@espalier/codec';
 *
 * const [a, b] = [{ config: { name: 'a' } }, { config: { name: 'b' }, inbound_nodes: [[['a', 0, 0, {}]]] }];
 * renameLayer({ config: { layers: [a, b], output_layers: [['b', 0, 0]] } }, a, 'left/a');
 * if (JSON.stringify(b.inbound_nodes) !== '[[["left/a",0,0,{}]]]') throw new Error('b has lost its input');
 * ```
 */
export function renameLayer(model: Nameable, given: Nameable, to: string): void {
  const [parent, layer] = [model as LayerJson, given as LayerJson];
  const from = nameOf(layer);
  layer.config.name = to;
  if (layer.name !== undefined) layer.name = to;
  const swap = (value: unknown): unknown =>
    Array.isArray(value)
      ? typeof value[0] === 'string'
        ? [value[0] === from ? to : value[0], ...value.slice(1)]
        : value.map(swap)
      : value;
  for (const other of layersIn(parent) ?? []) {
    if (other.inbound_nodes !== undefined) other.inbound_nodes = swap(other.inbound_nodes);
  }
  for (const key of ['input_layers', 'output_layers'] as const) {
    if (parent.config[key] !== undefined) parent.config[key] = swap(parent.config[key]);
  }
}
