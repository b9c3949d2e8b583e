import { serialization } from '@tensorflow/tfjs-core';
// Registers the layers that TF.js can make.
import '@tensorflow/tfjs-layers';

/** Kinds of models whose graph is in their configuration. */
const kinds = ['Sequential', 'Functional', 'Model'];

/** Names that some versions of TensorFlow wrote for layers that TF.js has. */
const otherNames: Readonly<Record<string, string>> = {
  BatchNormalizationV1: 'BatchNormalization',
  UnifiedGRU: 'GRU',
  UnifiedLSTM: 'LSTM',
};

/** A topology as the TF.js converter would write it, or why TF.js could not make a model of it. */
export type KerasTopology = { readonly topology: object } | { readonly reason: string };

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The topology of a Keras model's configuration: only layers that TF.js has, in the form of Keras 2. */
export function kerasTopology(config: string, version: string, backend: string): KerasTopology {
  if (!version.startsWith('2.'))
    return { reason: `it was written by Keras ${version || 'of unknown version'}` };
  let model: Json;
  try {
    model = JSON.parse(config) as Json;
  } catch (cause) {
    return { reason: `its model_config is no JSON (${(cause as Error).message})` };
  }
  if (!isObject(model) || typeof model.class_name !== 'string' || !kinds.includes(model.class_name)) {
    return { reason: 'its graph is code: it is neither a Sequential nor a Functional model' };
  }
  const unknown = new Set<string>();
  const topology = { keras_version: version, backend, model_config: translate(model, '', unknown) };
  if (unknown.size > 0) return { reason: `TensorFlow.js has no ${[...unknown].join(', ')}` };
  return { topology };
}

const known = (name: string): boolean =>
  serialization.SerializationMap.getMap().classNameMap[name] !== undefined;

const camelCase = (name: string): string =>
  name.replace(/_+([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The same configuration in TF.js's names; what it does not have goes to `unknown`. */
function translate(value: Json, key: string, unknown: Set<string>): Json {
  if (Array.isArray(value)) return value.map((item) => translate(item, key, unknown));
  if (typeof value === 'string' && key.endsWith('activation') && !known(camelCase(value))) {
    unknown.add(`activation '${value}'`);
  }
  if (!isObject(value)) return value;
  const { class_name: name, config } = value;
  if (typeof name === 'string' && isObject(config)) {
    // TF.js knows these two by the name of what holds both.
    if (name === 'L1' || name === 'L2') {
      const { l1 = 0, l2 = 0 } = config;
      return { class_name: 'L1L2', config: { l1, l2 } };
    }
    const own = otherNames[name] ?? name;
    if (!known(own) && !kinds.includes(own)) unknown.add(own);
    return { ...value, class_name: own, config: translate(config, '', unknown) };
  }
  return Object.fromEntries(Object.entries(value).map(([k, item]) => [k, translate(item, k, unknown)]));
}
