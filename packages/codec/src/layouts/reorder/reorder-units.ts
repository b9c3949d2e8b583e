import type { ModelArtifacts } from '../../artifacts.js';
import { findConsumer, isProducer, type Layer, layersOf } from './layers.js';
import { unitOrder } from './unit-order.js';
import { copyWeights, gather, Weights } from './weights.js';

/** What {@link reorderUnits} did. */
export interface Reordered {
  /** The model with hidden units in another order; the input's arrays are not touched. */
  artifacts: ModelArtifacts;
  /** The layers whose units moved. */
  reordered: string[];
  /** Layers that could have been reordered but for a reason. */
  skipped: { layer: string; reason: string }[];
}

/**
 * Puts hidden units in an order in which similar ones are neighbours, which the context coders use: some percent
 * less, no side information. Outputs change only by the order in which floats are added up. Works on chains of dense and 2-D
 * convolution layers in a Sequential model, through pooling, activations, dropout, flattening and batch
 * normalisation; everything else stays as it is and is reported.
 *
 * @throws EspError 'input' when the topology is no Sequential model, or the weights do not fit it.
 *
 * @example
 * ```ts
 * import { reorderUnits } from '@espalier/codec';
 *
 * const { reordered, skipped } = reorderUnits({
 *   modelTopology: {
 *     class_name: 'Sequential',
 *     config: {
 *       layers: [
 *         { class_name: 'Dense', config: { name: 'a', use_bias: false } },
 *         { class_name: 'Dense', config: { name: 'b', use_bias: false } },
 *       ],
 *     },
 *   },
 *   weightSpecs: [
 *     { name: 'a/kernel', shape: [2, 3], dtype: 'float32' },
 *     { name: 'b/kernel', shape: [3, 1], dtype: 'float32' },
 *   ],
 *   weightData: Float32Array.of(1, 0, 1, 0, 1, 0, 5, 6, 7).buffer,
 * });
 * if (reordered.join() !== 'a' || skipped.length !== 0) throw new Error('a has hidden units, b has outputs');
 * ```
 */
export function reorderUnits(artifacts: ModelArtifacts): Reordered {
  const layers = layersOf(artifacts.modelTopology);
  const data = copyWeights(artifacts);
  const weights = new Weights(artifacts.weightSpecs ?? [], data);
  const reordered: string[] = [];
  const skipped: Reordered['skipped'] = [];
  for (let i = 0; i < layers.length; i++) {
    if (!isProducer(layers[i])) continue;
    const path = findConsumer(layers, i);
    if (typeof path === 'string') {
      if (path) skipped.push({ layer: layers[i].name, reason: path });
      continue;
    }
    const reason = permute(weights, layers, i, path);
    if (reason) skipped.push({ layer: layers[i].name, reason });
    else reordered.push(layers[i].name);
  }
  return { artifacts: { ...artifacts, weightData: data }, reordered, skipped };
}

/** Moves the units of layer `i`, and with them what layers up to `consumer` hold for each unit. */
function permute(
  weights: Weights,
  layers: readonly Layer[],
  i: number,
  consumer: number,
): string | undefined {
  const kernel = weights.get(`${layers[i].name}/kernel`);
  const next = weights.get(`${layers[consumer].name}/kernel`);
  if (!kernel || !next) return 'its kernel, or that of the next layer, is not a plain float32 tensor';
  const units = kernel.shape[kernel.shape.length - 1];
  const inputs = next.shape[next.shape.length - 2];
  // Flattening keeps the channel as the fastest index, so a dense kernel has whole blocks of `units` inputs.
  if (inputs % units !== 0 || (inputs !== units && layers[consumer].className !== 'Dense'))
    return 'shapes do not fit';
  const vectors: { values: Uint32Array }[] = [];
  for (let j = i; j < consumer; j++) {
    if (j > i && layers[j].className !== 'BatchNormalization') continue;
    const names = j === i ? ['bias'] : ['gamma', 'beta', 'moving_mean', 'moving_variance'];
    for (const name of names) {
      const vector = weights.get(`${layers[j].name}/${name}`);
      if (!vector) {
        if (weights.has(`${layers[j].name}/${name}`)) return `${layers[j].name}/${name} is not float32`;
        continue;
      }
      if (vector.values.length !== units) return 'shapes do not fit';
      vectors.push(vector);
    }
  }
  const order = unitOrder(kernel.values, units);
  const outputs = next.shape[next.shape.length - 1];
  gather(kernel.values, kernel.values.length / units, units, 1, order);
  for (const { values } of vectors) gather(values, 1, units, 1, order);
  // next: [..., blocks, units, outputs]
  gather(next.values, next.values.length / (units * outputs), units, outputs, order);
  return undefined;
}
