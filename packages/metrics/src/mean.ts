import type { Better, Measurement, Metric, MetricInput } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** A metric that is the mean of a number of each example. */
export interface OfExamples extends Pick<Metric, 'name' | 'unit' | 'refuses'> {
  readonly better?: Better;
  /** On the device: a number for each example and, where it has several positions, for each of these, `[n, …]`. */
  each(input: MetricInput): tf.Tensor;
  /** What becomes of the mean over an example's positions. Default: it stays. */
  readonly example?: (mean: number) => number;
  /** What becomes of the mean over all examples. Default: it stays. */
  readonly whole?: (mean: number) => number;
}

/** A metric whose means are added up in double precision, example by example. */
export function meanOfExamples({ each, example, whole, ...metric }: OfExamples): Metric {
  return {
    ...metric,
    start(): Measurement {
      let [sum, total, positions] = [0, 0, 1];
      return {
        look(input) {
          const values = each(input);
          const [examples] = values.shape;
          positions = values.size / examples;
          const rows = tf.reshape(values, [examples, positions]);
          if (input.kept?.size !== values.size) return [tf.sum(rows, 1)];
          const kept = tf.reshape(input.kept, [examples, positions]);
          return [tf.sum(tf.where(tf.cast(kept, 'bool'), rows, tf.zerosLike(rows)), 1), tf.sum(kept, 1)];
        },
        add([sums, kept], weights) {
          for (const [i, value] of sums.entries()) {
            const counted = kept?.[i] ?? positions;
            // Of sequences that are filled up, the mean is over what is in them.
            const weight = (weights?.[i] ?? 1) * (kept ? counted : 1);
            if (weight === 0) continue; // Also where the value is not a number.
            const mean = value / counted;
            sum += weight * (example?.(mean) ?? mean);
            total += weight;
          }
        },
        value: () => (whole ? whole(sum / total) : sum / total),
      };
    },
  };
}
