import * as tf from '@tensorflow/tfjs-core';
import type { Arranged } from '../arrange.js';
import { EspalierError } from '../errors.js';
import type { Parameter } from '../parameter.js';
import type { Plugin } from '../plugin.js';
import type { QuantizedTensor } from '../quantized.js';
import type { KnownPenalty } from '../session.js';

/** What somebody's plugin gave, in a few words. */
function described(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  if (value instanceof tf.Tensor) return `a tensor of shape [${value.shape}]`;
  if (Array.isArray(value)) return 'a list';
  return value === null || typeof value !== 'object'
    ? String(value)
    : `a ${value.constructor?.name ?? 'object'}`;
}

function wrong(plugin: Plugin, method: string, value: unknown, wanted: string): EspalierError {
  return new EspalierError('bad-plugin', `${plugin.name}: ${method} gave ${described(value)}.`, {
    remedy: `It has to return ${wanted}.`,
  });
}

const isTensor = (value: unknown): boolean => value instanceof tf.Tensor;

/** What a plugin's own forward pass has returned. @throws EspalierError `bad-plugin` where it is something else */
export function outputsFrom(plugin: Plugin, value: Arranged): Arranged {
  if (Array.isArray(value) ? value.length > 0 && value.every(isTensor) : isTensor(value)) return value;
  throw wrong(plugin, 'forward', value, 'a tensor, or a list of them where the model has several outputs');
}

const isScalar = (value: unknown): boolean => value instanceof tf.Tensor && value.size === 1;

/** A penalty that a plugin has returned. @throws EspalierError `bad-plugin` */
export function penaltyFrom(plugin: Plugin, penalty: tf.Scalar | KnownPenalty): tf.Scalar | KnownPenalty {
  if (isScalar(penalty)) return penalty;
  const { value, gradients } = (penalty ?? {}) as KnownPenalty;
  if (!isScalar(value) || !(gradients instanceof Map)) {
    throw wrong(plugin, 'penalty', penalty, 'a scalar tensor, or { value, gradients }');
  }
  for (const [variable, gradient] of gradients as KnownPenalty['gradients']) {
    if (gradient instanceof tf.Tensor && gradient.shape.join() === variable.shape.join()) continue;
    throw wrong(plugin, 'penalty', gradient, `a gradient of shape [${variable.shape}] for ${variable.name}`);
  }
  return penalty;
}

type Answers<V> = ReadonlyMap<Parameter, V>;

function mapFrom<V>(
  plugin: Plugin,
  method: string,
  value: Answers<V>,
  isGood: (item: V) => boolean,
  wanted: string,
): Answers<V> {
  const all = `a map from parameters to ${wanted}`;
  if (!(value instanceof Map)) throw wrong(plugin, method, value, all);
  for (const item of value.values()) if (!isGood(item)) throw wrong(plugin, method, item, all);
  return value;
}

const isQuantized = (value: QuantizedTensor | undefined): boolean =>
  value?.codebook instanceof Float32Array && ArrayBuffer.isView(value.indices);

/** The masks that a pruner has returned. @throws EspalierError `bad-plugin` where they are something else */
export function masksFrom(plugin: Plugin, value: Answers<tf.Tensor>): Answers<tf.Tensor> {
  return mapFrom(plugin, 'masks', value, isTensor, 'tensors');
}

/** The factors that a plugin has returned. @throws EspalierError `bad-plugin` where they are something else */
export function noiseFrom(plugin: Plugin, value: Answers<tf.Tensor>): Answers<tf.Tensor> {
  return mapFrom(plugin, 'noise', value, isTensor, 'tensors');
}

/** The values that a quantizer has returned. @throws EspalierError `bad-plugin` where they are something else */
export function quantizedFrom(plugin: Plugin, value: Answers<QuantizedTensor>): Answers<QuantizedTensor> {
  return mapFrom(plugin, 'quantize', value, isQuantized, 'codebooks with indices');
}
