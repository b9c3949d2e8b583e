import * as tf from '@tensorflow/tfjs-core';
import { addKernel, floats } from './heap.js';

/**
 * UnsortedSegmentSum, the gradient of `tf.gather` and so of embedding layers, which TF.js lacks on wasm: row i
 * of x is added to row `segmentIds[i]` of the result; ids outside [0, numSegments) are left out, as in
 * TensorFlow.
 */
export function registerSegmentSum(): void {
  addKernel('UnsortedSegmentSum', ({ inputs, backend, attrs }) => {
    const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
    const { numSegments } = attrs as unknown as { numSegments: number };
    const rest = x.shape.slice(segmentIds.shape.length);
    const width = tf.util.sizeFromShape(rest);
    const out = backend.makeOutput([numSegments, ...rest], x.dtype);
    const ids = backend.typedArrayFromHeap(segmentIds);
    const values = floats(backend, x);
    const sums = floats(backend, out);
    sums.fill(0);
    for (let i = 0, from = 0; i < ids.length; i++, from += width) {
      if (ids[i] < 0 || ids[i] >= numSegments) continue;
      const to = ids[i] * width;
      for (let j = 0; j < width; j++) sums[to + j] += values[from + j];
    }
    return out;
  });
}
