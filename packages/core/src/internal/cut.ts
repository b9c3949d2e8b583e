import * as tf from '@tensorflow/tfjs-core';
import type { AxisSelection, StateArray } from '../session.js';

/** The entries of a tensor that survived a transform. The caller owns the result. */
export function cutTensor(tensor: tf.Tensor, selections: readonly AxisSelection[]): tf.Tensor {
  return tf.tidy(() => {
    let cut = tf.clone(tensor);
    for (const { axis, indices } of selections) cut = tf.gather(cut, tf.tensor1d(indices, 'int32'), axis);
    return cut;
  });
}

/** The entries of an array `[…shape]`, row-major, that survived a transform. */
export function cutArray<T extends StateArray>(
  values: T,
  shape: readonly number[],
  selections: readonly AxisSelection[],
): T {
  const indices = shape.map(
    (n, axis) =>
      selections.find((selection) => selection.axis === axis)?.indices ??
      Int32Array.from({ length: n }, (_, i) => i),
  );
  const size = indices.reduce((n, list) => n * list.length, 1);
  const result = new (values.constructor as new (size: number) => T)(size);
  for (let to = 0; to < size; to++) {
    let [rest, from, stride] = [to, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const list = indices[axis];
      from += list[rest % list.length] * stride;
      rest = Math.floor(rest / list.length);
      stride *= shape[axis];
    }
    result[to] = values[from];
  }
  return result;
}
