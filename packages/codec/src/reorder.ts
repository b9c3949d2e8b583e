import type { ModelArtifacts, WeightSpec } from './artifacts.js';
import { fail } from './errors.js';
import { unitOrder } from './unit-order.js';

/** What {@link reorderUnits} did. */
export interface Reordered {
  /** The model with hidden units in another order; the input's arrays are not touched. */
  artifacts: ModelArtifacts;
  /** The layers whose units moved. */
  reordered: string[];
  /** Layers that could have been reordered but for a reason. */
  skipped: { layer: string; reason: string }[];
}

interface Layer {
  className: string;
  config: Record<string, unknown>;
  name: string;
}

/** Layers that treat all channels alike, without weights: a reordering passes through them. */
const TRANSPARENT = new Set([
  'Activation',
  'ReLU',
  'LeakyReLU',
  'ELU',
  'ThresholdedReLU',
  'Dropout',
  'SpatialDropout1D',
  'GaussianNoise',
  'GaussianDropout',
  'AlphaDropout',
  'MaxPooling2D',
  'AveragePooling2D',
  'GlobalMaxPooling2D',
  'GlobalAveragePooling2D',
  'ZeroPadding2D',
  'UpSampling2D',
  'Flatten',
]);

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

function layersOf(topology: unknown): Layer[] {
  const root = topology as Record<string, unknown> | undefined;
  const model = (root?.model_config ?? root) as Record<string, unknown> | undefined;
  if (model?.class_name !== 'Sequential') return fail('input', 'only Sequential models can be reordered');
  const config = model.config as { layers?: unknown } | unknown[];
  const list = Array.isArray(config) ? config : config?.layers;
  if (!Array.isArray(list)) return fail('input', 'the topology has no layers');
  return list.map((entry: { class_name?: unknown; config?: Record<string, unknown> }) => ({
    className: String(entry.class_name),
    config: entry.config ?? {},
    name: String(entry.config?.name),
  }));
}

const isProducer = (layer: Layer): boolean => layer.className === 'Dense' || layer.className === 'Conv2D';
const channelsLast = ({ config }: Layer): boolean =>
  config.data_format === undefined || config.data_format === 'channels_last';

/** Index of the layer that takes up the units of layer `i`; '' when they are outputs; else why it cannot be done. */
function findConsumer(layers: readonly Layer[], i: number): number | string {
  if (!channelsLast(layers[i])) return 'channels come first';
  for (let j = i + 1; j < layers.length; j++) {
    const layer = layers[j];
    if (!channelsLast(layer)) return 'channels come first';
    if (isProducer(layer)) return j;
    const axis = layer.config.axis;
    if (layer.className === 'BatchNormalization') {
      if (axis !== undefined && axis !== -1 && !(Array.isArray(axis) && axis[0] === -1))
        return `${layer.name} normalises another axis`;
    } else if (!TRANSPARENT.has(layer.className)) {
      return `${layer.className} (${layer.name}) may tell units apart`;
    }
  }
  return '';
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

/** Reorders the middle axis of [outer, units, inner] in place. */
function gather(values: Uint32Array, outer: number, units: number, inner: number, order: Int32Array): void {
  const block = new Uint32Array(units * inner);
  for (let o = 0; o < outer; o++) {
    const at = o * units * inner;
    block.set(values.subarray(at, at + units * inner));
    for (let u = 0; u < units; u++) {
      const from = order[u] * inner;
      values.set(block.subarray(from, from + inner), at + u * inner);
    }
  }
}

function copyWeights({ weightData }: ModelArtifacts): ArrayBuffer {
  const parts = weightData === undefined ? [] : Array.isArray(weightData) ? weightData : [weightData];
  const joined = new Uint8Array(parts.reduce((n, part) => n + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return joined.buffer;
}

/** The float32 tensors by name, as bit patterns that can be moved without being read as numbers. */
class Weights {
  readonly #found = new Map<string, { shape: number[]; values: Uint32Array } | undefined>();

  constructor(specs: readonly WeightSpec[], data: ArrayBuffer) {
    let at = 0;
    for (const { name, shape, dtype, quantization } of specs) {
      const elements = shape.reduce((a, b) => a * b, 1);
      if (dtype === 'string') fail('input', 'models with text tensors cannot be reordered');
      const bytes = quantization
        ? quantization.dtype === 'uint8'
          ? 1
          : 2
        : dtype === 'bool'
          ? 1
          : dtype === 'complex64'
            ? 8
            : 4;
      if (at + elements * bytes > data.byteLength) fail('input', `weightData ends inside "${name}"`);
      const plain = dtype === 'float32' && !quantization && at % 4 === 0;
      this.#found.set(name, plain ? { shape, values: new Uint32Array(data, at, elements) } : undefined);
      at += elements * bytes;
    }
    if (at !== data.byteLength) fail('input', 'weightData is longer than the weight specs say');
  }

  get(name: string): { shape: number[]; values: Uint32Array } | undefined {
    return this.#found.get(name);
  }

  has(name: string): boolean {
    return this.#found.has(name);
  }
}
