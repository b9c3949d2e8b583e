import { uniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { rowsFor } from './batches.js';
import { deadLeaves } from './dead-leaves.js';
import type { Examples, InputSpec } from './executable.js';

/** Options of {@link generateExamples}. */
export interface GenerateOptions {
  /** How many. Default 16; of a model with a fixed batch as many batches as hold them, four at least. */
  readonly count?: number;
  /** Default 1. */
  readonly seed?: number;
  /** What values lie between; default [0, 1] for pictures. */
  readonly range?: readonly [number, number];
  /** For axes that take any size. Default 64. */
  readonly length?: number;
}

/**
 * Inputs for a model that nobody has inputs for: for `[height, width, 1 or 3]` pictures with the statistics of natural ones,
 * for other floats noise that is smooth along the second axis, for integers small ones. Real inputs serve better.
 */
export function generateExamples(inputs: readonly InputSpec[], options: GenerateOptions = {}): Examples {
  const { count: wanted = 16, seed = 1, range = [0, 1], length = 64 } = options;
  const random = uniform(seed);
  const rows = rowsFor(inputs, wanted);
  return inputs.map(({ shape, dtype }, input) => {
    const count = rows[input];
    const sizes = [count, ...shape.slice(1).map((n) => (n < 0 ? length : n))];
    const size = sizes.reduce((a, b) => a * b, 1);
    if (dtype === 'int32')
      return tf.tensor(
        Int32Array.from({ length: size }, () => Math.floor(random() * 10)),
        sizes,
        dtype,
      );
    const values = new Float32Array(size);
    const [, height, width, channels] = sizes;
    if (sizes.length === 4 && (channels === 1 || channels === 3)) {
      for (let i = 0; i < count; i++) {
        values.set(deadLeaves(height, width, channels, random), i * height * width * channels);
      }
      return tf.tensor(
        values.map((v) => range[0] + v * (range[1] - range[0])),
        sizes,
        'float32',
      );
    }
    // A random walk that leaks: energy falls with frequency, as in most signals.
    const inner = sizes.slice(2).reduce((a, b) => a * b, 1);
    for (let i = 0; i < size; i++) {
      const noise = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const first = Math.floor(i / inner) % (sizes[1] ?? 1) === 0 || sizes.length < 3;
      values[i] = first ? noise : 0.9 * values[i - inner] + 0.4359 * noise;
    }
    return tf.tensor(values, sizes, 'float32');
  });
}
