import * as tf from '@tensorflow/tfjs-core';

/** Bits of a whole number that is multiplied: 2^8 x 2^8, 2^8 times, are whole numbers that float32 has. */
const bits = 8;

/** The inner length up to which sums of products are exact. */
export const mostInner: number = 2 ** (24 - 2 * bits);

/** What 1 stands for in the lower part of a number, where it is 1 in the upper. */
const fine = 2 ** -(bits + 1);

/** Rows in whole numbers of at most 2^bits: the upper part of each, then the lower; and what 1 stands for in each row. */
interface Whole {
  readonly parts: readonly [Float32Array, Float32Array];
  readonly units: Float64Array;
}

/** The power of two that a row's greatest magnitude has `bits` of. */
function unitOf(row: Float64Array): number {
  let most = 0;
  for (let i = 0; i < row.length; i++) most = Math.max(most, Math.abs(row[i]));
  return most > 0 ? 2 ** (Math.ceil(Math.log2(most)) - bits) : 1;
}

function wholeRows(matrix: Float64Array, rows: number, columns: number): Whole {
  const [upper, lower] = [new Float32Array(matrix.length), new Float32Array(matrix.length)];
  const units = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    units[r] = unitOf(matrix.subarray(r * columns, (r + 1) * columns));
    for (let at = r * columns; at < (r + 1) * columns; at++) {
      const value = matrix[at] / units[r];
      upper[at] = Math.round(value);
      lower[at] = Math.round((value - upper[at]) / fine);
    }
  }
  return { parts: [upper, lower], units };
}

/**
 * `[rows, inner] x [inner, columns]`, the same on every backend and with any number of threads: factors become pairs of whole numbers
 * whose sums of products float32 has exactly, in whatever order they are taken. They keep 17 bits of the greatest magnitude in a row, the
 * left ones once each is multiplied with what the right row has for a unit.
 *
 * @param inner - At most {@link mostInner}.
 */
export function exactProduct(
  left: Float64Array,
  right: Float64Array,
  [rows, inner, columns]: readonly [rows: number, inner: number, columns: number],
): Float64Array {
  const b = wholeRows(right, inner, columns);
  const a = wholeRows(
    left.map((value, i) => value * b.units[i % inner]),
    rows,
    inner,
  );
  const product = tf.tidy(() => {
    const [above, below] = a.parts.map((part) => tf.tensor2d(part, [rows, inner]));
    const [first, last] = b.parts.map((part) => tf.tensor2d(part, [inner, columns]));
    return tf.matMul(tf.concat([above, below]), tf.concat([first, last], 1));
  });
  const whole = product.dataSync();
  product.dispose();
  const sums = new Float64Array(rows * columns);
  const half = 2 * rows * columns;
  for (let r = 0; r < rows; r++) {
    for (let c = 0, at = 2 * r * columns; c < columns; c++, at++) {
      const upper = whole[at] + fine * whole[at + columns];
      const lower = whole[half + at] + fine * whole[half + at + columns];
      sums[r * columns + c] = a.units[r] * (upper + fine * lower);
    }
  }
  return sums;
}
