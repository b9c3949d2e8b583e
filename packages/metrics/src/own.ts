import { type Better, EspalierError, type Metric, shown } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { meanOfExamples } from './mean.js';

/** Labels and outputs of a batch to a number for each example, `[n]`. */
export type OwnMetric = (labels: tf.Tensor, outputs: tf.Tensor) => tf.Tensor;

/**
 * A metric of one's own: the mean of a number of each example, by its weight where it has one.
 *
 * @param options - Its name, by default the function's; and which values are better, where it is to be the goal.
 * @throws EspalierError `invalid-option` for a function without a name
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { ownMetric } from '@espalier/metrics';
 * const largest = ownMetric((labels, outputs) => tf.max(tf.abs(tf.sub(labels, outputs)), 1), { name: 'largest', better: 'lower' });
 * const measurement = largest.start();
 * const [labels, outputs] = [tf.zeros([2, 2]), tf.tensor2d([[1, 2], [0, 1]])];
 * const seen = measurement.look({ labels, outputs, task: 'numbers', threshold: 0.5 });
 * measurement.add(seen.map((tensor) => tensor.dataSync() as Float32Array), undefined);
 * if (measurement.value() !== 1.5) throw new Error('unexpected');
 * ```
 */
export function ownMetric(
  metric: OwnMetric,
  options: { readonly name?: string; readonly better?: Better } = {},
): Metric {
  const { name = metric.name, better } = options;
  if (name === '') {
    throw new EspalierError('invalid-option', 'A metric that is a function has no name.', {
      remedy: 'Give it one: function median(labels, outputs) { … }.',
    });
  }
  return meanOfExamples({
    name,
    ...(better && { better }),
    each({ labels, outputs }) {
      const values = metric(labels, outputs);
      const [examples] = outputs.shape;
      const given = values instanceof tf.Tensor;
      if (given && values.shape[0] === examples) return values;
      throw new EspalierError(
        'shape-mismatch',
        `The metric ${name} gives ${given ? `[${values.shape}]` : shown(values)} for ${examples} examples.`,
        { remedy: 'Let it give a number for each example, [n]: their mean is taken over the whole set.' },
      );
    },
  });
}
