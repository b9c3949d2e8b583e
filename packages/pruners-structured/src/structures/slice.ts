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

/** Sums of `f(w)` over the weights of each index along the middle: `[length]`. Within a tidy. */
export function sums(
  { outer, length, inner }: Slice,
  values: tf.Tensor,
  f: (w: tf.Tensor) => tf.Tensor,
): tf.Tensor1D {
  return tf.sum(f(tf.reshape(values, [outer, length, inner])), [0, 2]);
}

/** Is structure i what lies at index i, for all of them? */
function inOrder(units: Int32Array, size: number): boolean {
  return units.length === size && units.every((unit, i) => unit === i);
}

/** `gather` on the device: what each index has, `[length]`, added up by structure, `[size]`. */
export function gathered(units: Int32Array, values: tf.Tensor1D, size: number): tf.Tensor1D {
  if (inOrder(units, size)) return values;
  // What belongs to no structure is added up in a place of its own.
  const ids = tf.tensor1d(
    units.map((unit) => (unit < 0 ? size : unit)),
    'int32',
  );
  return tf.slice(tf.unsortedSegmentSum(values, ids, size + 1), 0, size) as tf.Tensor1D;
}

/** Adds what each index has to its structure's entry of `into`. */
export function gather({ units }: Slice, values: ArrayLike<number>, into: Float64Array): void {
  for (let i = 0; i < units.length; i++) if (units[i] >= 0) into[units[i]] += values[i];
}

/** How many weights of the tensor each structure has. */
export function countInto({ units, outer, inner }: Slice, into: Float64Array): void {
  for (const unit of units) if (unit >= 0) into[unit] += outer * inner;
}

/** One factor per structure. */
export type Factors = ArrayLike<number> | tf.Tensor1D;

/** A tensor in the parameter's shape from one factor per structure; 1 where there is none. */
export function spread(slices: readonly Slice[], factors: readonly Factors[]): tf.Tensor {
  const { parameter } = slices[0];
  return tf.tidy(() => {
    let whole: tf.Tensor | undefined;
    for (const [i, { outer, length, inner, units }] of slices.entries()) {
      const along = alongOf(units, factors[i]);
      const wide = tf.mul(tf.ones([outer, length, inner]), tf.reshape(along, [1, length, 1]));
      const shaped = tf.reshape(wide, parameter.shape as number[]);
      whole = whole === undefined ? shaped : tf.mul(whole, shaped);
    }
    return whole!;
  });
}

/** The factor of each index along the middle. */
function alongOf(units: Int32Array, factors: Factors): tf.Tensor1D {
  if (!(factors instanceof tf.Tensor)) {
    return tf.tensor1d(Float32Array.from(units, (unit) => (unit < 0 ? 1 : factors[unit])));
  }
  if (inOrder(units, factors.size)) return factors;
  const ids = tf.tensor1d(
    units.map((unit) => (unit < 0 ? factors.size : unit)),
    'int32',
  );
  return tf.gather(tf.concat([factors, tf.ones([1])]), ids) as tf.Tensor1D;
}

/** `spread` in JavaScript, row-major. */
export function spreadValues(slices: readonly Slice[], factors: readonly ArrayLike<number>[]): Float32Array {
  const whole = new Float32Array(slices[0].parameter.size).fill(1);
  for (const [i, { length, inner, units }] of slices.entries()) {
    for (let at = 0; at < whole.length; at++) {
      const unit = units[Math.floor(at / inner) % length];
      if (unit >= 0) whole[at] *= factors[i][unit];
    }
  }
  return whole;
}
