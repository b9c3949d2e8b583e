import { shown } from '@espalier/core';
import { serialization } from '@tensorflow/tfjs-core';
// Registers the layers that TF.js can make.
import '@tensorflow/tfjs-layers';
import { isObject, type Json } from '../tfjs/json.js';

/** What a translation comes upon. */
export interface Findings {
  /** What TF.js does not have: the model cannot be made. */
  readonly unknown: Set<string>;
  /** What matters in training alone, and is left out. */
  readonly left: Set<string>;
}

type Config = { readonly [key: string]: Json };

export const known = (name: string): boolean =>
  Object.hasOwn(serialization.SerializationMap.getMap().classNameMap, name);

const camelCase = (name: string): string =>
  name.replace(/_+([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The type of numbers that TF.js has for one of Keras, of which there are names and policies. */
function dtypeOf(dtype: Json, findings: Findings): Json {
  const name = isObject(dtype) ? (isObject(dtype.config) ? dtype.config.name : undefined) : dtype;
  if (typeof name !== 'string') return 'float32';
  if (name === 'string') findings.unknown.add('inputs of texts');
  if (name === 'bool') return 'bool';
  return /^u?int/.test(name) ? 'int32' : 'float32';
}

/** An activation by the name that TF.js has for it. */
function activationOf(activation: Json, version: number, findings: Findings): Json {
  const own = isObject(activation) ? (activation.config ?? null) : activation;
  if (own === null) return 'linear';
  if (typeof own !== 'string' || (isObject(activation) && activation.class_name !== 'function')) {
    findings.unknown.add(`activation ${isObject(activation) ? String(activation.class_name) : shown(own)}`);
    return 'linear';
  }
  const name = own === 'silu' ? 'swish' : own;
  if (!known(camelCase(name))) findings.unknown.add(`activation '${own}'`);
  // relu6(x + 3) / 6 since Keras 3, clip(0.2 x + 0.5) before and in TF.js.
  if (version >= 3 && name === 'hard_sigmoid') findings.unknown.add("activation 'hard_sigmoid' of Keras 3");
  return name;
}

/** Initializers that TF.js spells otherwise. */
const spelled: Readonly<Record<string, string>> = {
  LecunNormal: 'LeCunNormal',
  LecunUniform: 'LeCunUniform',
};

/** Initializers and regularizers: what matters for training alone is left out where TF.js does not have it. */
function objectOf(value: Json, key: string): Json {
  if (typeof value === 'string')
    return known(value) || known(camelCase(value)) || /^[a-z]/.test(value) ? value : null;
  if (!isObject(value) || typeof value.class_name !== 'string') return null;
  const { class_name: name } = value;
  const config = isObject(value.config) ? value.config : {};
  // TF.js knows these two by the name of what holds both.
  if (name === 'L1' || name === 'L2') {
    return { class_name: 'L1L2', config: { l1: config.l1 ?? 0, l2: config.l2 ?? 0 } };
  }
  const other = Object.hasOwn(spelled, name) ? spelled[name] : name;
  if (!known(other)) return key.endsWith('initializer') ? { class_name: 'Zeros', config: {} } : null;
  const seed = typeof config.seed === 'number' ? config.seed : null;
  return { class_name: other, config: 'seed' in config ? { ...config, seed } : config };
}

/**
 * The settings of a layer in TF.js's names, layers within it left as they are. `version` is that of Keras. What TF.js does not have
 * goes to `unknown`.
 */
export function configOf(className: string, config: Config, version: number, findings: Findings): Config {
  const out: Record<string, Json> = {};
  for (const [key, value] of Object.entries(config)) {
    if (key === 'dtype') out.dtype = dtypeOf(value, findings);
    else if (key === 'batch_shape') out.batch_input_shape = value;
    // TF.js refuses to run a layer with the one, and changes weights by the other as it loads them.
    else if (key === 'activity_regularizer' || key.endsWith('_constraint')) {
      if (value !== null) findings.left.add(key);
    } else if (key === 'activation' || key === 'recurrent_activation') {
      out[key] = activationOf(value, version, findings);
    } else if (/_(initializer|regularizer)$/.test(key)) out[key] = objectOf(value, key);
    else if (!['quantization_config', 'lora_rank', 'lora_alpha', 'build_input_shape', 'seed'].includes(key)) {
      out[key] = value;
    }
  }
  if (className === 'BatchNormalization' && Array.isArray(config.axis)) {
    if (config.axis.length > 1) findings.unknown.add('BatchNormalization along several axes');
    out.axis = config.axis[0];
  }
  // Keras 2 writes these of separable convolutions, which have no such kernel, and TF.js refuses them.
  if (className === 'SeparableConv2D')
    for (const key of Object.keys(out))
      if (key.startsWith('kernel_') && key !== 'kernel_size') delete out[key];
  if (className === 'LeakyReLU' && config.negative_slope !== undefined) out.alpha = config.negative_slope;
  return out;
}
