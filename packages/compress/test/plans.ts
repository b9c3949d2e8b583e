import type { Gram } from '../src/calibrate/moments.js';
import type { Weight } from '../src/model/weights.js';
import { noise } from './models.js';

/** Normal ones, that are the same every time. */
export const numbers = (count: number, seed: number, scale = 1): Float32Array =>
  noise([count], seed, scale).dataSync() as Float32Array;

export function weightOf(name: string, shape: readonly number[], values: Float32Array): Weight {
  const spec = { name, shape: [...shape], dtype: 'float32' as const };
  return {
    name,
    shape,
    dtype: 'float32',
    values,
    scale: undefined,
    spec,
    bytes: new Uint8Array(values.buffer),
  };
}

/** Features of the same energy that have part of it in common, and a mean. */
export function gramOf(rows: number, common: number, mean: number, positions = 1e6): Gram {
  const size = rows + 1;
  const moments = Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    if (i === rows && j === rows) return 1;
    if (i === rows || j === rows) return mean;
    return (i === j ? 1 : common) + mean ** 2;
  });
  return { size, positions, moments };
}
