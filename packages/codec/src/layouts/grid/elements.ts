import { broken } from '../../errors.js';
import { MAX_LEVELS } from '../../numbers.js';
import type { Book } from '../codebook/book.js';
import { predict, widen } from './formula.js';

let levels: Int32Array | undefined;

/** The levels from -negative on: the one at level + negative. Made once, for it is longer than many tensors. */
export function ramp(negative: number): Int32Array {
  levels ??= Int32Array.from({ length: 2 * MAX_LEVELS }, (_, i) => i - MAX_LEVELS);
  return levels.subarray(MAX_LEVELS - negative);
}

/**
 * Turns levels into elements in place: by adding the first integer, or into float32
 * level * step * 2^(sum of the axes' exponents / 4), and what those before it in its lane let expect.
 */
export function toElements(
  target: Int32Array | Uint32Array | Uint16Array | Uint8Array,
  { kind, base, scales = [], predictor }: Book,
  sizes: readonly number[],
): void {
  if (kind === 'ints') for (let i = 0; i < target.length; i++) target[i] += base;
  if (kind !== 'step') return;
  const levels = new Int32Array(target.buffer, target.byteOffset, target.length);
  const floats = new Float32Array(target.buffer, target.byteOffset, target.length);
  const axes: [own: Int16Array, stride: number][] = [];
  let stride = 1;
  for (let axis = sizes.length; axis-- > 0; stride *= sizes[axis]) {
    if (scales[axis]?.length) axes.push([scales[axis], stride]);
  }
  for (let i = 0; i < levels.length; i++) {
    if (levels[i] === 0 && !predictor) continue;
    let e = 0;
    for (const [own, stride] of axes) e += own[((i / stride) | 0) % own.length];
    floats[i] = levels[i] * widen(base, e) + (predictor ? predict(floats, i, predictor) : 0);
    if (floats[i] * 0 !== 0) broken(63); // a predicted element is not finite
  }
}
