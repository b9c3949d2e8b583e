import { orderOf, type Predictor } from '../codebook/book.js';

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
  const lane = (i % lag) * order - 1;
  let sum = 0;
  for (let k = Math.min(order, (i / lag) | 0); k > 0; k--) {
    sum += ((terms[lane + k] << 23) / 2 ** 29) * floats[i - k * lag];
  }
  return sum;
}
