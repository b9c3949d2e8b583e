import {
  codebook,
  density,
  histogram,
  type InspectedTensor,
  type Inspection,
  mask,
  statistics,
  type TensorPicture,
} from '../src/index.js';

const forms = ['float32', 'uint8-brotli', 'esp'].map((key) => ({ key, label: key, about: `As ${key}.` }));

/** A tensor and what is drawn of it. */
export interface Made {
  readonly tensor: InspectedTensor;
  readonly picture: TensorPicture;
}

/** A tensor as `espalier inspect` describes it, stored in made-up bytes. */
export function made(name: string, shape: number[], values: Float32Array): Made {
  const { count, ...facts } = statistics(values);
  const own = codebook(name, values, 32);
  const centroids = own ? own.values : [-0.1, 0, 0.1];
  const violin = density(values);
  const zeros = mask(name, shape, values);
  const bytes = Math.round(count / 2);
  const costs = Object.fromEntries(
    forms.map(({ key }, i) => [key, { bytes: [4 * count, count, bytes][i], error: [0, 0.012, 0][i] }]),
  );
  return {
    tensor: {
      ...facts,
      name,
      shape,
      dtype: 'float32',
      parameters: count,
      nonzero: count - facts.zeros,
      bytes,
      bitsPerWeight: (8 * bytes) / Math.max(1, count),
      codec: 'ctx-fast',
      costs,
    },
    picture: {
      histogram: histogram(name, values, undefined, { centroids }),
      centroidsAre: own ? 'shared values' : 'centres of k-means',
      ...(violin && { density: violin }),
      ...(zeros && { mask: zeros }),
      ...(own && { codebook: own }),
    },
  };
}

/** A model of such tensors, with made-up costs. */
export function inspection(
  list: readonly Made[],
  name = 'net.esp',
): [Inspection, (n: string) => TensorPicture | undefined] {
  const tensors = list.map(({ tensor }) => tensor);
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 100);
  const totals = Object.fromEntries(
    forms.map(({ key }) => [
      key,
      { bytes: tensors.reduce((n, t) => n + t.costs[key].bytes, 0), error: 0.01 },
    ]),
  );
  const pictures = new Map(list.map((one) => [one.tensor.name, one.picture]));
  return [{ name, bytes, packed: true, forms, totals, tensors }, (n) => pictures.get(n)];
}

/** Numbers within ±0.1, of which some percent are 0. */
export const wave = (size: number, zeros = 0): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 100 < zeros ? 0 : 0.1 * Math.sin(i * i)));
