import { type Book, orderOf, type Predictor } from './codebook.js';
import { broken } from './errors.js';

/** 2^(1/4), 2^(2/4), 2^(3/4): as numbers, for engines may differ in powers. */
const QUARTERS: readonly number[] = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];

/** step * 2^(e / 4). */
export function widen(step: number, e: number): number {
  return step * QUARTERS[e & 3] * (1 << (e >> 2));
}

/** What the elements before it in its lane let expect of element `i`. */
export function predict(floats: Float32Array, i: number, predictor: Predictor): number {
  const { lag, terms } = predictor;
  const order = orderOf(predictor);
  let sum = 0;
  for (let k = order; k > 0; k--) {
    sum += ((terms[(i % lag) * order + k - 1] << 23) / 2 ** 29) * (floats[i - k * lag] ?? 0);
  }
  return sum;
}

/**
 * Turns levels (int32) into elements (float32) in place: level * step * 2^(sum of the axes' exponents / 4), and what those
 * before it in its lane let expect.
 */
export function scaleLevels(
  target: Uint32Array | Uint16Array | Uint8Array,
  { base, scales = [], predictor }: Book,
  sizes: readonly number[],
): void {
  const levels = new Int32Array(target.buffer, target.byteOffset, target.length);
  const floats = new Float32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < levels.length; i++) {
    if (levels[i] === 0 && !predictor) continue;
    let e = 0;
    let rest = i;
    for (let axis = sizes.length; axis-- > 0; ) {
      const own = scales[axis];
      if (own?.length) e += own[rest % sizes[axis]];
      rest = Math.floor(rest / sizes[axis]);
    }
    floats[i] = levels[i] * widen(base, e) + (predictor ? predict(floats, i, predictor) : 0);
    if (floats[i] * 0 !== 0) broken(63); // a predicted element is not finite
  }
}
