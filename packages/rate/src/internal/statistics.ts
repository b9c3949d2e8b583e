import type { Of, Parameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** The statistics of normalisation: they are measured, not trained, and have no levels. */
export function statisticsOf(of: Of): Parameter[] {
  return of.filter(({ role }) => role === 'statistic');
}

/**
 * Numbers at bfloat16's eight significant bits, ties to even; those that would have no finite one stay. A mean or a variance that
 * is off by 2⁻⁹ of itself moves outputs less than a batch more or less would, and takes half of the bytes.
 */
export function atEightBits(values: Float32Array): Float32Array {
  const rounded = values.slice();
  const bits = new Uint32Array(rounded.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) & 0xffff0000;
  return rounded.map((value, i) => (Number.isFinite(value) ? value : values[i]));
}

/** Gives a statistic its value. It is not shared: it would move on with whoever trains further. */
export function setStatistic({ variable }: Parameter, values: Float32Array): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, 'float32')));
}
