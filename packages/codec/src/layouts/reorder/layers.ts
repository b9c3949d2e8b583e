import { fail } from '../../errors.js';

/** A layer of a Sequential model. */
export interface Layer {
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

/** The layers of the topology. @throws EspError 'input' when it is no Sequential model */
export function layersOf(topology: unknown): Layer[] {
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

/** Whether a layer has units that may be moved. */
export const isProducer = (layer: Layer): boolean =>
  layer.className === 'Dense' || layer.className === 'Conv2D';
const channelsLast = ({ config }: Layer): boolean =>
  config.data_format === undefined || config.data_format === 'channels_last';

/** Whether a batch normalisation of inputs of so many axes has its figures for each unit: over the last axis alone. */
function overUnits({ config: { axis = -1 } }: Layer, rank: number | undefined): boolean {
  const axes: unknown[] = Array.isArray(axis) ? axis : [axis];
  return axes.length === 1 && (axes[0] === -1 || (rank !== undefined && axes[0] === rank - 1));
}

/** How many axes the outputs of these layers have, batches included; where that is known. */
function rankAfter(layers: readonly Layer[]): number | undefined {
  let rank: number | undefined;
  for (const { className, config } of layers) {
    const shape = config.batch_input_shape;
    if (Array.isArray(shape)) rank = shape.length;
    if (className === 'Flatten' || className.startsWith('Global')) rank = 2;
    else if (className.endsWith('2D')) rank = 4;
  }
  return rank;
}

/** Index of the layer that takes up the units of layer `i`; '' when they are outputs; else why it cannot be done. */
export function findConsumer(layers: readonly Layer[], i: number): number | string {
  if (!channelsLast(layers[i])) return 'channels come first';
  for (let j = i + 1; j < layers.length; j++) {
    const layer = layers[j];
    if (!channelsLast(layer)) return 'channels come first';
    if (isProducer(layer)) return j;
    if (layer.className === 'BatchNormalization') {
      if (!overUnits(layer, rankAfter(layers.slice(0, j)))) return `${layer.name} normalises another axis`;
    } else if (!TRANSPARENT.has(layer.className)) {
      return `${layer.className} (${layer.name}) may tell units apart`;
    }
  }
  return '';
}
