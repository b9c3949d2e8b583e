import { isObject, type Json } from '../tfjs/json.js';

type Config = { readonly [key: string]: Json };

/** What is known of a layer beside its configuration. */
interface Known {
  /** Of its inputs. */
  readonly rank: number | undefined;
  /** Of Keras. */
  readonly version: number;
}

/** One number, or the same along all axes. */
const isAll = (value: Json | undefined, number: number): boolean =>
  value === undefined || value === null || [value].flat().every((one) => one === number);

/**
 * Settings of layers that TF.js 4.22 has by name and does not honour: it would compute something else without a word, or stop. By
 * layer, the trouble with a configuration, if any.
 */
const differences: Readonly<Record<string, (config: Config, known: Known) => string | false>> = {
  Conv1D: (c) => (c.padding === 'causal' ? 'causal padding' : grouped(c)),
  Conv2D: grouped,
  Conv3D: grouped,
  Conv2DTranspose: transposed,
  Conv3DTranspose: transposed,
  GRU: resetAfter,
  GRUCell: resetAfter,
  ReLU: (c) => (!isAll(c.negative_slope, 0) || !isAll(c.threshold, 0)) && 'ReLU with a slope or a threshold',
  GlobalAveragePooling1D: keptAxes,
  GlobalMaxPooling1D: keptAxes,
  GlobalAveragePooling2D: keptAxes,
  GlobalMaxPooling2D: keptAxes,
  UpSampling2D: (c) =>
    c.interpolation !== undefined && c.interpolation !== 'nearest' && 'smooth UpSampling2D',
  Resizing: (c) =>
    c.interpolation !== 'nearest'
      ? 'smooth Resizing'
      : (c.crop_to_aspect_ratio === true || c.pad_to_aspect_ratio === true) &&
        'Resizing that keeps the aspect ratio',
  LayerNormalization: (c) => c.rms_scaling === true && 'LayerNormalization with rms_scaling',
  BatchNormalization: (c, { rank, version }) => {
    if (c.renorm === true) return 'BatchNormalization with renorm';
    const [axis] = [c.axis ?? -1].flat();
    // Keras 2 writes the axis out even where it is the last; Keras 3, and not its rank, where somebody has.
    const last = axis === -1 || (rank === undefined ? version < 3 || Number(axis) >= 3 : axis === rank - 1);
    return !last && 'BatchNormalization along other axes than the last';
  },
  CenterCrop: () => 'CenterCrop that keeps the shape of its input as it is',
  Rescaling: (c) => (typeof c.scale !== 'number' || typeof c.offset !== 'number') && 'Rescaling by channel',
  Bidirectional: (c) => otherBackwards(c) && 'Bidirectional with two different layers',
  CategoryEncoding: (c) => c.sparse === true && 'sparse CategoryEncoding',
};

function grouped({ groups }: Config): string | false {
  return !isAll(groups, 1) && 'grouped convolutions';
}

function transposed({ output_padding: padding, dilation_rate: dilation, groups }: Config): string | false {
  if (padding !== undefined && padding !== null) return 'transposed convolutions with output_padding';
  if (!isAll(dilation, 1)) return 'dilated transposed convolutions';
  return grouped({ groups: groups ?? null });
}

function resetAfter({ reset_after: after }: Config): string | false {
  return after === true && 'GRU with reset_after=True';
}

function keptAxes({ keepdims }: Config): string | false {
  return keepdims === true && 'global pooling with keepdims';
}

/** Names and directions alone may differ. */
function otherBackwards({ layer, backward_layer: backward }: Config): boolean {
  if (!isObject(backward) || !isObject(layer)) return false;
  const text = ({ config }: Config): string =>
    JSON.stringify(config, (key, value) =>
      ['name', 'go_backwards', 'shared_object_id', 'seed'].includes(key) ? undefined : value,
    );
  return layer.class_name !== backward.class_name || text(layer) !== text(backward);
}

/** Why TF.js would not compute what Keras does, or undefined. */
export function differenceOf(className: string, config: Config, known: Known): string | undefined {
  const difference = Object.hasOwn(differences, className) ? differences[className](config, known) : false;
  return difference === false ? undefined : difference;
}
