import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Weight } from '@espalier/compress';
import { bytesOf } from '@espalier/formats';
import { uniformLevels } from '@espalier/quantize-kmeans';
import type { Statistics } from '@espalier/report';
import { centres } from './shared-values.js';

const [gzipped, brotlied] = [promisify(gzip), promisify(brotliCompress)];

/** A tensor stored in one way: its bytes, and the sum of the squares of what was changed. */
export interface Stored {
  readonly bytes: number;
  readonly squares: number;
}

/** Tensors of more elements are noise for the most part, which takes seconds at the highest quality for some percent. */
const mostAtBest = 8192;
/** Of those of more, a quarter in so many pieces stands for the whole: more of the same noise. */
const [mostWhole, pieces] = [65536, 8];

/** What is packed in the place of all bytes, and how many it stands for. */
function partOf(all: Uint8Array, count: number): { readonly part: Uint8Array; readonly times: number } {
  if (count <= mostWhole) return { part: all, times: 1 };
  const length = 4 * Math.floor(all.length / (16 * pieces));
  const stride = 4 * Math.floor(all.length / (4 * pieces));
  const part = new Uint8Array(pieces * length);
  for (let i = 0; i < pieces; i++) part.set(all.subarray(i * stride, i * stride + length), i * length);
  return { part, times: all.length / part.length };
}

/** Can the weights be quantised? Numbers of type float32, all finite. */
export function quantisable({ dtype, values }: Weight, { nonFinite, count }: Statistics): boolean {
  return dtype === 'float32' && values !== undefined && nonFinite === 0 && count > 0;
}

const countOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** What the weights take as TF.js has them in memory. */
export async function plain({ values, bytes, shape }: Weight): Promise<{ raw: Stored; gzip: Stored }> {
  const all = values === undefined ? bytes : bytesOf(values);
  const { part, times } = partOf(all, countOf(shape));
  const zipped = await gzipped(part, { level: countOf(shape) > mostAtBest ? 6 : 9 });
  const bytesZipped = Math.round(times * zipped.length);
  return { raw: { bytes: all.length, squares: 0 }, gzip: { bytes: bytesZipped, squares: 0 } };
}

/**
 * The integers that the TF.js converter makes at 8 bits, from the least value to the greatest, and Brotli of them; of
 * weights that cannot be quantised, what they take as they are.
 */
export async function uint8(weight: Weight, facts: Statistics): Promise<{ raw: Stored; brotli: Stored }> {
  const { min, max } = facts;
  let levels = weight.values === undefined ? weight.bytes : bytesOf(weight.values);
  let squares = 0;
  if (weight.spec.quantization?.dtype === 'uint8') levels = weight.bytes;
  else if (quantisable(weight, facts) && min !== null && max !== null) {
    const values = weight.values as Float32Array;
    const scale = (max - min) / 255 || 1;
    levels = new Uint8Array(values.length);
    for (let i = 0; i < values.length; i++) {
      levels[i] = Math.round((values[i] - min) / scale);
      squares += (values[i] - (levels[i] * scale + min)) ** 2;
    }
  }
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  // A window wider than the data finds nothing more and takes memory.
  const window = Math.min(24, Math.max(16, Math.ceil(Math.log2(levels.length + 1))));
  const { part, times } = partOf(levels, countOf(weight.shape));
  const small = await brotlied(part, {
    params: {
      [BROTLI_PARAM_QUALITY]: countOf(weight.shape) > mostAtBest ? 9 : 11,
      [BROTLI_PARAM_LGWIN]: window,
      [BROTLI_PARAM_SIZE_HINT]: part.length,
    },
  });
  return {
    raw: { bytes: levels.length, squares },
    brotli: { bytes: Math.round(times * small.length), squares },
  };
}

/** Tensors with 16 and with 256 shared values. */
export type Shared = Readonly<Record<16 | 256, Stored & { readonly centroids: Float32Array }>>;

/**
 * Codebooks as in Deep Compression (Han et al. 2016, section 3): k shared values in float32, and for each weight an
 * index of log2 k bits. As it is in float32, where that takes less.
 */
export function sharedValues({ spec, bytes, values: all }: Weight, facts: Statistics): Shared {
  const values = all as Float32Array;
  const levels = spec.quantization?.dtype === 'uint8' ? bytes : undefined;
  const [few, many] = centres(values, [16, 256], facts, levels).map(({ centroids, squares }) => {
    const width = Math.ceil(Math.log2(centroids.length));
    const bytes = Math.ceil((values.length * width) / 8) + 4 * centroids.length;
    if (bytes >= 4 * values.length) return { bytes: 4 * values.length, squares: 0, centroids };
    return { bytes, squares, centroids };
  });
  return { 16: few, 256: many };
}

/** Do the weights share at most 256 values? Few weights that all differ do not. */
export function sharesValues({ distinct, count }: Statistics): boolean {
  return distinct <= 256 && distinct <= count / 2;
}

/** Weights that have become multiples of a step, a float32. */
export interface Rounded {
  readonly values: Float32Array;
  readonly step: number;
  readonly squares: number;
}

/** Multiples of the converter's step at 8 bits: what `.esp` files hold well. `undefined` where nothing would change. */
export function eightBits({ spec, values }: Weight, facts: Statistics): Rounded | undefined {
  const { min, max } = facts;
  const done = spec.quantization?.dtype === 'uint8' || sharesValues(facts);
  if (done || min === null || max === null || min === max) return undefined;
  const weights = values as Float32Array;
  // As a coder takes it.
  const step = Math.fround((max - min) / 255);
  if (!(step > 0 && step < Infinity)) return undefined;
  const { codebook, indices } = uniformLevels(weights, step);
  const rounded = new Float32Array(weights.length);
  let squares = 0;
  for (let i = 0; i < weights.length; i++) {
    rounded[i] = codebook[indices[i]];
    squares += (weights[i] - rounded[i]) ** 2;
  }
  return { values: rounded, step, squares };
}
