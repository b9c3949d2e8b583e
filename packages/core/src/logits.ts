import type { LayersModel, layers } from '@tensorflow/tfjs-layers';

interface Activated {
  readonly layers?: readonly layers.Layer[];
  readonly outputLayers?: readonly layers.Layer[];
  readonly inboundNodes: readonly unknown[];
  readonly outboundNodes: readonly unknown[];
  activation?: { getClassName(): string; apply(x: unknown): unknown };
  softmax?: (x: unknown, axis?: number) => unknown;
  getClassName(): string;
}

/** An output activation that the loss can take over: cross-entropy is exact and fast on logits only. */
export type OutputActivation = 'softmax' | 'sigmoid';

function outputLayersOf(model: Activated): readonly Activated[] {
  const { outputLayers = [] } = model;
  // A sequential model that has not been called yet does not know its output layer: it is the last one.
  const last = outputLayers.length === 0 ? model.layers?.slice(-1) : outputLayers;
  return (last ?? []) as unknown as readonly Activated[];
}

/** The layer that makes a model's output, the one at `output` of several. */
function outputLayer(model: LayersModel, output: number | undefined): Activated | undefined {
  const ends = outputLayersOf(model as unknown as Activated);
  let layer = output === undefined && ends.length !== 1 ? undefined : ends[output ?? 0];
  const several = ends.length > 1;
  if (several && ends.indexOf(layer!) !== ends.lastIndexOf(layer!)) return undefined;
  while (layer !== undefined) {
    // What another layer reads, or what makes another output too, has to keep its activation.
    if (several && (layer.outboundNodes.length > 0 || layer.inboundNodes.length !== 1)) return undefined;
    if (layer.outputLayers === undefined) return layer;
    const inner = outputLayersOf(layer);
    layer = inner.length === 1 ? inner[0] : undefined;
  }
  return undefined;
}

/**
 * The activation of a model's only output, if it is a softmax or a sigmoid.
 *
 * @param output - Of a model with several outputs, which one, from 0. Undefined comes back where its layer is also used
 *   elsewhere in the model: its activation cannot be taken off.
 */
export function outputActivation(model: LayersModel, output?: number): OutputActivation | undefined {
  const layer = outputLayer(model, output);
  if (layer?.getClassName() === 'Softmax') return 'softmax'; // TF.js has it along the last axis only.
  const name = layer?.activation?.getClassName();
  return name === 'softmax' || name === 'sigmoid' ? name : undefined;
}

/**
 * Calls `work` while the model's output activation is taken off, so that the model gives logits.
 *
 * @param outputs - Of a model with several outputs, for which ones. Default: for its only output.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { outputActivation, withLogits } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [1], activation: 'softmax' })] });
 * if (outputActivation(model) !== 'softmax') throw new Error('unexpected');
 * const x = tf.tensor2d([[3]]);
 * const logits = withLogits(model, () => model.predict(x) as tf.Tensor);
 * const sum = tf.sum(tf.softmax(logits)).dataSync()[0];
 * if (Math.abs(sum - 1) > 1e-6 || outputActivation(model) !== 'softmax') throw new Error(`${sum}`);
 * ```
 */
export function withLogits<T>(model: LayersModel, work: () => T, outputs?: readonly number[]): T {
  if (outputs?.length === 0) return work();
  const [output, ...rest] = outputs ?? [];
  const inner = rest.length === 0 ? work : () => withLogits(model, work, rest);
  const layer = outputLayer(model, output);
  if (layer === undefined || outputActivation(model, output) === undefined) return inner();
  const { activation, softmax } = layer;
  if (layer.getClassName() === 'Softmax') layer.softmax = (x) => x;
  else layer.activation = { getClassName: () => 'linear', apply: (x) => x };
  try {
    return inner();
  } finally {
    if (layer.getClassName() === 'Softmax') layer.softmax = softmax!;
    else layer.activation = activation!;
  }
}
