import * as tf from '@tensorflow/tfjs-core';

/**
 * Three interleaved spirals in the plane with some noise, one per class.
 *
 * @param {number} size - Number of points.
 * @param {() => number} draw - Uniform numbers in [0, 1).
 * @returns Points `[size, 2]` and one-hot labels `[size, 3]`.
 */
export function spirals(size, draw) {
  const points = new Float32Array(2 * size);
  const classes = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    classes[i] = i % 3;
    const radius = Math.sqrt(draw());
    const angle = (classes[i] * 2 * Math.PI) / 3 + 5 * radius + 0.25 * (draw() - 0.5);
    points[2 * i] = radius * Math.cos(angle);
    points[2 * i + 1] = radius * Math.sin(angle);
  }
  return tf.tidy(() => [tf.tensor2d(points, [size, 2]), tf.oneHot(tf.tensor1d(classes, 'int32'), 3)]);
}
