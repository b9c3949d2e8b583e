import { isObject, type Json } from '../tfjs/json.js';
import { differenceOf } from './differences.js';
import { configOf, type Findings, known } from './layer-config.js';
import { callsOf, endsOf, merges, shifted } from './nodes.js';

/** Kinds of models whose graph is in their configuration. */
const kinds = ['Sequential', 'Functional', 'Model'];

/** Names that some versions of TensorFlow wrote for layers that TF.js has. */
const otherNames: Readonly<Record<string, string>> = {
  BatchNormalizationV1: 'BatchNormalization',
  BatchNormalizationV2: 'BatchNormalization',
  SyncBatchNormalization: 'BatchNormalization',
  UnifiedGRU: 'GRU',
  UnifiedLSTM: 'LSTM',
};

/** Layers that hand on what they get when nothing is trained. */
const idle =
  /^(Identity|ActivityRegularization|SpatialDropout[23]D|Random(Flip|Rotation|Zoom|Contrast|Brightness|Translation|Shear|Hue|Saturation|Sharpness|Invert|Posterization|ColorJitter|ColorDegeneration|Grayscale|GaussianBlur|Perspective|Erasing))$/;

/** Layers around another one, and where they have it. */
const wrappers: Readonly<Record<string, string>> = {
  RNN: 'cell',
  Bidirectional: 'layer',
  TimeDistributed: 'layer',
};

/** A layer, or a model in a model, as both Keras 2 and TF.js describe it. */
export interface LayerJson {
  class_name: string;
  config: { [key: string]: Json };
  name?: string;
  inbound_nodes?: Json;
}

/** A model in TF.js's words, with what was left out that matters in training alone, or why TF.js could not make one of it. */
export type KerasTopology =
  | { readonly model: LayerJson; readonly left: readonly string[] }
  | { readonly reason: string };

/** Whether it is one of a Keras model's configurations that hold a graph. */
export const isModel = ({ class_name: name }: LayerJson): boolean => kinds.includes(name);

/** Layers of a model, in order. Sequential models of old are a list alone. */
export function layersOf({ config }: LayerJson): LayerJson[] {
  return ((Array.isArray(config) ? config : config.layers) ?? []) as unknown as LayerJson[];
}

/** Translates the configuration of a Keras model: only layers that TF.js has, computing the same, in the form of Keras 2. */
export function kerasTopology(config: Json, version: string): KerasTopology {
  const major = Number.parseInt(version, 10);
  if (major !== 2 && major !== 3)
    return { reason: `it was written by Keras ${version || 'of unknown version'}` };
  if (!isObject(config) || typeof config.class_name !== 'string' || !kinds.includes(config.class_name)) {
    return { reason: 'its graph is code: it is neither a Sequential nor a Functional model' };
  }
  const findings: Findings = { unknown: new Set(), left: new Set() };
  const model = translate(config, major, findings);
  const { unknown, left } = findings;
  if (unknown.size > 0) return { reason: `TensorFlow.js has no ${[...unknown].join(', ')}` };
  const [first] = layersOf(model);
  if (model.class_name === 'Sequential' && !hasShape(first)) {
    return { reason: 'the shape of its inputs is not known: it was saved before it was built' };
  }
  return { model, left: [...left] };
}

function hasShape(layer: LayerJson | undefined): boolean {
  if (layer === undefined) return false;
  if (layer.config.batch_input_shape !== undefined) return true;
  return isModel(layer) && (layer.class_name !== 'Sequential' || hasShape(layersOf(layer)[0]));
}

function translate(layer: Json, version: number, findings: Findings): LayerJson {
  if (!isObject(layer) || typeof layer.class_name !== 'string') {
    findings.unknown.add('a layer without a class');
    return { class_name: '', config: {} };
  }
  const { module, name, inbound_nodes: calls, config: given } = layer;
  const own = Object.hasOwn(otherNames, layer.class_name) ? otherNames[layer.class_name] : layer.class_name;
  // An operation may have the name of a layer: Multiply takes numbers, too.
  if (typeof module === 'string' && module.includes('.ops') && !merges.includes(own)) {
    findings.unknown.add(`keras.ops.${own.toLowerCase()}`);
  }
  const rest = {
    ...(typeof name === 'string' && { name }),
    ...(calls !== undefined && { inbound_nodes: callsOf(calls, own, findings) }),
  };
  if (kinds.includes(own)) return { ...modelOf(own, given, version, findings), ...rest };
  const config = isObject(given) ? given : {};
  if (idle.test(own)) {
    findings.left.add(own);
    const same = { name: config.name ?? own, activation: 'linear' };
    return { class_name: 'Activation', config: same, ...rest };
  }
  if (!known(own)) findings.unknown.add(own);
  const { input_shape: shape } = isObject(layer.build_config) ? layer.build_config : {};
  const difference = differenceOf(own, config, {
    rank: Array.isArray(shape) ? shape.length : undefined,
    version,
  });
  if (difference !== undefined) findings.unknown.add(difference);
  const {
    layer: inner,
    backward_layer: _,
    cell,
    cells,
    ...settings
  } = configOf(own, config, version, findings);
  const needed = Object.hasOwn(wrappers, own) ? wrappers[own] : undefined;
  if (needed !== undefined && !isObject(config[needed])) findings.unknown.add(`${own} without a ${needed}`);
  return {
    class_name: own,
    config: {
      ...settings,
      ...(inner !== undefined && { layer: innerOf(own, translate(inner, version, findings)) }),
      ...(cell !== undefined && { cell: translate(cell, version, findings) as unknown as Json }),
      ...(Array.isArray(cells) && {
        cells: cells.map((one: Json) => translate(one, version, findings)) as unknown as Json,
      }),
    },
    ...rest,
  };
}

/** TF.js itself puts `forward_` before the name. */
function innerOf(wrapper: string, layer: LayerJson): Json {
  if (wrapper === 'Bidirectional' && typeof layer.config.name === 'string') {
    layer.config.name = layer.config.name.replace(/^forward_/, '');
  }
  return layer as unknown as Json;
}

function modelOf(className: string, config: Json, version: number, findings: Findings): LayerJson {
  const layers = (Array.isArray(config) ? config : isObject(config) ? config.layers : undefined) ?? null;
  if (!Array.isArray(layers)) findings.unknown.add(`${className} without layers`);
  const list = (Array.isArray(layers) ? layers : []).map((layer: Json) =>
    translate(layer, version, findings),
  );
  if (!isObject(config)) {
    return { class_name: className, config: { name: 'sequential', layers: list as unknown as Json } };
  }
  const { name = 'model', trainable = true } = config;
  const models = new Set(list.filter(isModel).map((layer) => String(layer.config.name)));
  const shift = (histories: Json): Json => (version >= 3 ? shifted(histories, models) : histories);
  // Of the ends alone, those of functional models are counted as TF.js does.
  const sequential = new Set(
    list.filter((one) => one.class_name === 'Sequential').map((one) => String(one.config.name)),
  );
  for (const layer of list) {
    if (layer.inbound_nodes !== undefined) layer.inbound_nodes = shift(layer.inbound_nodes);
  }
  const ends = (key: string): Record<string, Json> =>
    className === 'Sequential'
      ? {}
      : { [key]: version >= 3 ? shifted(endsOf(config[key]), sequential) : endsOf(config[key]) };
  return {
    class_name: className,
    config: {
      name,
      trainable,
      layers: list as unknown as Json,
      ...ends('input_layers'),
      ...ends('output_layers'),
    },
  };
}
