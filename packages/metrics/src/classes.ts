import {
  checkOptions,
  checkRange,
  labelClasses,
  labelRows,
  type Metric,
  type MetricInput,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { isBinary, thereOrNot } from './counts.js';
import { only } from './fits.js';
import { meanOfExamples } from './mean.js';

/**
 * The share of examples (or positions) whose highest output is the label's; of labels that are there or not, of those on the
 * right side of the threshold.
 */
export function accuracy(): Metric {
  return meanOfExamples({
    name: 'accuracy',
    better: 'higher',
    unit: 'share',
    refuses: only('classes', 'labels'),
    each(input) {
      if (isBinary(input)) {
        const { is, taken } = thereOrNot(input);
        return tf.cast(tf.equal(is, taken), 'float32');
      }
      const { labels, outputs, logits = outputs } = input;
      return tf.cast(tf.equal(tf.argMax(logits, -1), labelClasses(labels, outputs)), 'float32');
    },
  });
}

/**
 * The share of examples (or positions) whose label's class is among the `k` highest outputs; of equal outputs the label's counts
 * as the first.
 *
 * @param options - `k` >= 1, less than there are classes; default 5.
 * @throws EspalierError `invalid-option`
 *
 * @example
 * ```ts
 * import { topK } from '@espalier/metrics';
 * if (topK({ k: 3 }).name !== 'top3') throw new Error('unexpected');
 * ```
 */
export function topK(options: { readonly k?: number } = {}): Metric {
  checkOptions('topK', options, ['k']);
  const { k = 5 } = options;
  checkRange('topK', 'k', Number.isInteger(k) ? k : Number.NaN, 1, Number.MAX_SAFE_INTEGER);
  const classes = only('classes');
  return meanOfExamples({
    name: `top${k}`,
    better: 'higher',
    unit: 'share',
    refuses(task, shape) {
      const all = shape.at(-1);
      if (all != null && all <= k) return `there are ${all} classes, and all of them are the top ${k}`;
      return classes(task, shape);
    },
    each({ labels, outputs, logits = outputs }) {
      const rows = tf.oneHot(labelClasses(labels, outputs), outputs.shape.at(-1)!);
      const own = tf.sum(tf.mul(logits, tf.cast(rows, 'float32')), -1, true);
      const higher = tf.sum(tf.cast(tf.greater(logits, own), 'float32'), -1);
      const number = tf.equal(tf.squeeze(own, [-1]), tf.squeeze(own, [-1])); // No output that is NaN is among the highest.
      return tf.cast(tf.logicalAnd(tf.less(higher, k), number), 'float32');
    },
  });
}

/** Cross-entropy in nats of each position. */
function nats({ labels, outputs, logits }: MetricInput): tf.Tensor {
  const rows = labelRows(labels, outputs);
  const logs = logits ? tf.logSoftmax(logits) : tf.log(tf.clipByValue(outputs, 1e-7, 1));
  return tf.neg(tf.sum(tf.mul(rows, logs), -1));
}

/** Mean cross-entropy of the label's class in bits: of text, bits per token, or per character. */
export function bitsPerToken(): Metric {
  return meanOfExamples({
    name: 'bitsPerToken',
    better: 'lower',
    unit: 'bits',
    refuses: only('classes'),
    each: nats,
    whole: (mean) => mean / Math.LN2,
  });
}

/**
 * exp of the mean cross-entropy: among how many equally likely tokens the model wavers, >= 1.
 *
 * @example
 * ```ts
 * import { accuracy, auc, bitsPerToken, perplexity } from '@espalier/metrics';
 * const names = [accuracy(), auc(), bitsPerToken(), perplexity()].map(({ name, better }) => `${name} ${better}`);
 * if (names.join() !== 'accuracy higher,auc higher,bitsPerToken lower,perplexity lower') throw new Error(names.join());
 * ```
 */
export function perplexity(): Metric {
  return meanOfExamples({
    name: 'perplexity',
    better: 'lower',
    refuses: only('classes'),
    each: nats,
    whole: Math.exp,
  });
}
