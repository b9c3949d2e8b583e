import type { Measurement, Metric } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { only } from './fits.js';
import { meanOfExamples, type OfExamples } from './mean.js';

const fits = only('numbers', 'labels');

const errors = (rest: Pick<OfExamples, 'name' | 'each' | 'whole'>): Metric =>
  meanOfExamples({ better: 'lower', refuses: fits, ...rest });

/**
 * Mean absolute error, over all values of all examples.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { mae, mse } from '@espalier/metrics';
 * const [labels, outputs] = [tf.zeros([2, 1]), tf.tensor2d([[1], [3]])];
 * const values = [mae(), mse()].map((metric) => {
 *   const measurement = metric.start();
 *   const seen = measurement.look({ labels, outputs, task: 'numbers', threshold: 0.5 });
 *   measurement.add(seen.map((tensor) => tensor.dataSync() as Float32Array), undefined);
 *   return measurement.value();
 * });
 * if (values.join() !== '2,5') throw new Error(values.join());
 * ```
 */
export function mae(): Metric {
  return errors({
    name: 'mae',
    each: ({ labels, outputs }) => tf.abs(tf.sub(outputs, tf.reshape(labels, outputs.shape))),
  });
}

const squares: OfExamples['each'] = ({ labels, outputs }) =>
  tf.squaredDifference(outputs, tf.reshape(labels, outputs.shape));

/** Mean squared error, over all values of all examples. */
export function mse(): Metric {
  return errors({ name: 'mse', each: squares });
}

/** The root of the mean squared error over all values of all examples (not the mean of roots of several columns). */
export function rmse(): Metric {
  return errors({ name: 'rmse', each: squares, whole: Math.sqrt });
}

/** What is known of a column so far: weight, mean, squared distances from it, squared errors. */
interface Column {
  weight: number;
  mean: number;
  scatter: number;
  errors: number;
}

/**
 * The coefficient of determination: 1 - squared errors / squared distances from the mean, of each column (the last axis), and their
 * mean. Of a column that is constant, 1 if it is met exactly, else 0.
 */
export function r2(): Metric {
  return { name: 'r2', better: 'higher', refuses: fits, start: startR2 };
}

function startR2(): Measurement {
  let columns: Column[] | undefined;
  let positions = 1;
  return {
    look({ labels, outputs }) {
      const width = outputs.shape.at(-1)!;
      columns ??= Array.from({ length: width }, () => ({ weight: 0, mean: 0, scatter: 0, errors: 0 }));
      positions = outputs.size / width / outputs.shape[0];
      return [tf.reshape(labels, outputs.shape), outputs];
    },
    add([labels, outputs], weights) {
      for (const [at, y] of labels.entries()) {
        const weight = weights?.[Math.floor(at / columns!.length / positions)] ?? 1;
        if (weight === 0) continue;
        const column = columns![at % columns!.length];
        // West 1979: no cancellation, however far from 0 the values are.
        column.weight += weight;
        const before = y - column.mean;
        column.mean += (weight / column.weight) * before;
        column.scatter += weight * before * (y - column.mean);
        column.errors += weight * (y - outputs[at]) ** 2;
      }
    },
    value() {
      const each = (columns ?? []).map(({ scatter, errors }) =>
        scatter === 0 ? (errors === 0 ? 1 : 0) : 1 - errors / scatter,
      );
      return each.reduce((a, b) => a + b, 0) / each.length;
    },
  };
}
