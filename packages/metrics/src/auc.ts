import { labelRows, type Measurement, type Metric } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { isBinary } from './counts.js';
import { only } from './fits.js';

/** Scores of one class and how much each counts: for those that are of it, and for those that are not. */
interface Scored {
  readonly scores: number[];
  readonly is: number[];
  readonly weights: number[];
}

/** The probability that one of the class scores higher than one that is not, ties counted half (Mann & Whitney 1947). */
function areaOf({ scores, is, weights }: Scored): number {
  const order = Float64Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b]);
  let [below, area, own, other] = [0, 0, 0, 0];
  for (let from = 0; from < order.length; ) {
    let [to, there, not] = [from, 0, 0];
    for (; to < order.length && scores[order[to]] === scores[order[from]]; to++) {
      const weight = weights[order[to]];
      there += weight * is[order[to]];
      not += weight * (1 - is[order[to]]);
    }
    if (to === from) return Number.NaN; // A score that is none.
    area += there * (below + not / 2);
    below += not;
    own += there;
    other += not;
    from = to;
  }
  return area / (own * other);
}

/**
 * The area under the ROC curve, exact over the whole set. Of several classes each against the others, and of several labels each by
 * itself: their mean, of those that occur and do not occur always. NaN where none does.
 */
export function auc(): Metric {
  return { name: 'auc', better: 'higher', unit: 'share', refuses: only('classes', 'labels'), start };
}

function start(): Measurement {
  let columns: Scored[] | undefined;
  let positions = 1;
  const each = (): number[] => (columns ?? []).map(areaOf);
  return {
    look(input) {
      const { labels, outputs } = input;
      const classes = outputs.shape.at(-1)!;
      columns ??= Array.from({ length: classes }, () => ({ scores: [], is: [], weights: [] }));
      positions = outputs.size / classes / outputs.shape[0];
      const is = isBinary(input) ? tf.reshape(labels, outputs.shape) : labelRows(labels, outputs);
      return [tf.greater(is, 0.5), outputs, ...(input.kept ? [input.kept] : [])];
    },
    add([is, scores, kept], weights) {
      const { length } = columns!;
      for (let at = 0; at < is.length; at++) {
        const row = Math.floor(at / length);
        const weight = (weights?.[Math.floor(row / positions)] ?? 1) * (kept?.[row] ?? 1);
        if (weight === 0) continue;
        const column = columns![at % length];
        column.scores.push(scores[at]);
        column.is.push(is[at]);
        column.weights.push(weight);
      }
    },
    value() {
      const areas = each().filter((area) => !Number.isNaN(area));
      return areas.reduce((a, b) => a + b, 0) / areas.length;
    },
    perClass: each,
  };
}
