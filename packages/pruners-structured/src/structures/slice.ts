import type { Parameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** A weight tensor seen as `[outer, length, inner]`, with a structure for each index along the middle. */
export interface Slice {
  readonly parameter: Parameter;
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  /** Structure of each index along the middle, -1 for none. */
  readonly units: Int32Array;
}

/** A tensor along one of its axes. */
export function sliceOf(parameter: Parameter, axis: number, units: Int32Array): Slice {
  const { shape, size } = parameter;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return { parameter, outer: size / inner / shape[axis], length: shape[axis], inner, units };
}

/** Sums of `f(w)` over the weights of each index along the middle. */
export function sums(
  { outer, length, inner }: Slice,
  values: tf.Tensor,
  f: (w: tf.Tensor) => tf.Tensor,
): Float32Array {
  return tf.tidy(
    () => tf.sum(f(tf.reshape(values, [outer, length, inner])), [0, 2]).dataSync() as Float32Array,
  );
}

/** Adds what each index has to its structure's entry of `into`. */
export function gather({ units }: Slice, values: ArrayLike<number>, into: Float64Array): void {
  for (let i = 0; i < units.length; i++) if (units[i] >= 0) into[units[i]] += values[i];
}

/** How many weights of the tensor each structure has. */
export function countInto({ units, outer, inner }: Slice, into: Float64Array): void {
  for (const unit of units) if (unit >= 0) into[unit] += outer * inner;
}

/** A tensor in the parameter's shape from one factor per structure; 1 where there is none. */
export function spread(slices: readonly Slice[], factors: readonly ArrayLike<number>[]): tf.Tensor {
  const { parameter } = slices[0];
  return tf.tidy(() => {
    let whole: tf.Tensor | undefined;
    for (const [i, { outer, length, inner, units }] of slices.entries()) {
      const along = Float32Array.from(units, (unit) => (unit < 0 ? 1 : factors[i][unit]));
      const wide = tf.mul(tf.ones([outer, length, inner]), tf.reshape(tf.tensor1d(along), [1, length, 1]));
      const shaped = tf.reshape(wide, parameter.shape as number[]);
      whole = whole === undefined ? shaped : tf.mul(whole, shaped);
    }
    return whole!;
  });
}
