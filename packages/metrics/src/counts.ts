import {
  checkOneOf,
  checkOptions,
  checkRange,
  EspalierError,
  labelClasses,
  type Measurement,
  type Metric,
  type MetricInput,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { only } from './fits.js';

/** How one number is made of those of all classes. */
export interface CountOptions {
  /** `macro` (default): their mean; `weighted`: each by how often it occurs; `micro`: of all counts together. */
  readonly average?: 'macro' | 'micro' | 'weighted';
  /** Of this class alone, from 0. */
  readonly class?: number;
}

/** Are there labels that are there or not, rather than one class of several? */
export function isBinary({ task, outputs }: MetricInput): boolean {
  return task === 'labels' || outputs.shape.at(-1) === 1;
}

/** Of labels that are there or not: which are, and which are taken to be, 1 or 0 in the shape of the outputs. */
export function thereOrNot({ labels, outputs, threshold }: MetricInput): { is: tf.Tensor; taken: tf.Tensor } {
  return {
    is: tf.cast(tf.greater(tf.reshape(labels, outputs.shape), 0.5), 'float32'),
    taken: tf.cast(tf.greater(outputs, threshold), 'float32'),
  };
}

/** What is counted of a class: how often it is, is taken to be, and is taken rightly. */
interface Counts {
  readonly is: Float64Array;
  readonly taken: Float64Array;
  readonly both: Float64Array;
}

type Score = (is: number, taken: number, both: number) => number;

/** Adds an example's positions to the counts. */
function count(
  { is, taken, both }: Counts,
  seen: readonly Float32Array[],
  binary: boolean,
  at: number,
  weight: number,
): void {
  if (binary) {
    const column = at % is.length;
    is[column] += weight * seen[0][at];
    taken[column] += weight * seen[1][at];
    both[column] += weight * seen[0][at] * seen[1][at];
    return;
  }
  const [own, guess] = [seen[0][at], seen[1][at]];
  if (own < is.length) is[own] += weight;
  taken[guess] += weight;
  if (own === guess) both[own] += weight;
}

function countsMetric(base: string, score: Score, options: CountOptions): Metric {
  checkOptions(base, options, ['average', 'class']);
  const { average = 'macro', class: wanted } = options;
  checkOneOf(base, 'average', average, ['macro', 'micro', 'weighted']);
  if (wanted !== undefined) {
    checkRange(base, 'class', Number.isInteger(wanted) ? wanted : Number.NaN, 0, Number.MAX_SAFE_INTEGER);
    if (options.average !== undefined) {
      throw new EspalierError('invalid-option', `${base}: of class ${wanted} there is no average.`, {
        remedy: 'Give one of both.',
      });
    }
  }
  const fits = only('classes', 'labels');
  const suffix = wanted !== undefined ? `(${wanted})` : average === 'macro' ? '' : `(${average})`;
  return {
    name: base + suffix,
    better: 'higher',
    unit: 'share',
    refuses(task, shape) {
      const classes = shape.at(-1);
      if (wanted !== undefined && classes != null && wanted >= classes) {
        return `there is no class ${wanted}, they go from 0 to ${classes - 1}`;
      }
      return fits(task, shape);
    },
    start: () => counting(score, average, wanted),
  };
}

function counting(score: Score, average: NonNullable<CountOptions['average']>, wanted?: number): Measurement {
  let counts: Counts | undefined;
  let [binary, positions] = [false, 1];
  const each = (): number[] =>
    counts ? Array.from(counts.is, (is, c) => score(is, counts!.taken[c], counts!.both[c])) : [];
  return {
    look(input) {
      const { labels, outputs, logits = outputs } = input;
      const classes = outputs.shape.at(-1)!;
      counts ??= {
        is: new Float64Array(classes),
        taken: new Float64Array(classes),
        both: new Float64Array(classes),
      };
      binary = isBinary(input);
      const [examples] = outputs.shape;
      positions = (binary ? outputs.size : outputs.size / classes) / examples;
      const kept = input.kept ? [input.kept] : [];
      if (!binary) return [labelClasses(labels, outputs), tf.argMax(logits, -1), ...kept];
      const { is, taken } = thereOrNot(input);
      return [is, taken];
    },
    add(seen, weights) {
      for (let at = 0; at < seen[0].length; at++) {
        const weight = (weights?.[Math.floor(at / positions)] ?? 1) * (seen[2]?.[at] ?? 1);
        count(counts!, seen, binary, at, weight);
      }
    },
    value() {
      const scores = each();
      if (wanted !== undefined) return scores[wanted];
      const { is, taken, both } = counts!;
      const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
      if (average === 'micro') return score(sum(is), sum(taken), sum(both));
      // A class that nobody has seen says nothing.
      const parts = scores.map((_, c) => (average === 'weighted' ? is[c] : is[c] + taken[c] > 0 ? 1 : 0));
      const total = parts.reduce((a, b) => a + b, 0);
      return scores.reduce((all, one, c) => all + parts[c] * one, 0) / total;
    },
    perClass: each,
  };
}

const over = (a: number, b: number): number => (b === 0 ? 0 : a / b);

/**
 * Of what is taken for a class, the share that is of it. Of several classes, or labels, the mean over those that occur (0 where
 * nothing is taken for one); of a single unit, of the label that is there.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`
 */
export function precision(options: CountOptions = {}): Metric {
  return countsMetric('precision', (_, taken, both) => over(both, taken), options);
}

/** Of what is of a class, the share that is taken for it. Classes as in {@link precision}. */
export function recall(options: CountOptions = {}): Metric {
  return countsMetric('recall', (is, _, both) => over(both, is), options);
}

/**
 * The harmonic mean of precision and recall, 2 both / (is + taken). Classes as in {@link precision}.
 *
 * @example
 * ```ts
 * import { dice, f1, iou, precision, recall } from '@espalier/metrics';
 * const names = [precision(), recall({ average: 'micro' }), f1(), iou(), dice()].map(({ name }) => name);
 * if (names.join() !== 'precision,recall(micro),f1,iou,dice') throw new Error(names.join());
 * ```
 */
export function f1(options: CountOptions = {}): Metric {
  return countsMetric('f1', (is, taken, both) => over(2 * both, is + taken), options);
}

/** Intersection over union of each class, over all positions of the set: both / (is + taken - both). */
export function iou(options: CountOptions = {}): Metric {
  return countsMetric('iou', (is, taken, both) => over(both, is + taken - both), options);
}

/** Twice the intersection over both sizes: of counts over all positions of the set, the same as F1. */
export function dice(options: CountOptions = {}): Metric {
  return countsMetric('dice', (is, taken, both) => over(2 * both, is + taken), options);
}
