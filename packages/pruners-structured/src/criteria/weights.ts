import { EspalierError, hash, hashString, randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { countInto, gather, gathered, type Slice, sliceOf, sums } from '../structures/slice.js';
import type { Structures } from '../structures/structures.js';
import type { Scored, Scorer, Scoring } from './scorer.js';

type Slices = (set: Structures) => readonly Slice[];

/** A scorer of weights that can score on the device, too, for a step that must not read. */
export interface WeightScorer extends Scorer {
  /** Throws what `start` throws. */
  check(scored: Scored): void;
  /** One score per structure, `[size]`. Within a tidy. */
  onDevice(set: Structures): tf.Tensor1D;
}

/** A scorer that goes by the weights alone: it has nothing to remember. */
function ofWeights(scoring: Scoring, check: (scored: Scored) => void = () => undefined): Scorer {
  return {
    observes: false,
    start(scored) {
      check(scored);
      return scoring;
    },
  };
}

function onDevice(
  scoring: Scoring,
  onDevice: WeightScorer['onDevice'],
  check: WeightScorer['check'] = () => undefined,
): WeightScorer {
  return { ...ofWeights(scoring, check), check, onDevice };
}

/** Scores by the means of `f(w)` over the weights of each structure. */
function byMeans(
  slices: Slices,
  f: (w: tf.Tensor) => tf.Tensor,
  end?: { readonly here: (mean: number) => number; readonly onDevice: (means: tf.Tensor) => tf.Tensor },
  check?: WeightScorer['check'],
): WeightScorer {
  const counts = (set: Structures): Float64Array => {
    const found = new Float64Array(set.size);
    for (const slice of slices(set)) countInto(slice, found);
    return found;
  };
  const scoring: Scoring = {
    look: (set) => slices(set).map((slice) => sums(slice, slice.parameter.variable, f)),
    scores(set, numbers) {
      const total = new Float64Array(set.size);
      for (const [i, slice] of slices(set).entries()) gather(slice, numbers[i], total);
      const of = counts(set);
      const means = total.map((sum, i) => sum / of[i]);
      return end === undefined ? means : means.map(end.here);
    },
  };
  const here = (set: Structures): tf.Tensor1D => {
    const parts = slices(set).map((slice) =>
      gathered(slice.units, sums(slice, slice.parameter.variable, f), set.size),
    );
    const means = tf.div(
      parts.reduce((a, b) => tf.add(a, b)),
      tf.tensor1d(Float32Array.from(counts(set))),
    );
    return (end === undefined ? means : end.onDevice(means)) as tf.Tensor1D;
  };
  return onDevice(scoring, here, check);
}

const scoredOf: Slices = ({ scored }) => scored;

/** Mean magnitude (Li et al. 2017, "Pruning filters for efficient ConvNets"). */
export const l1: WeightScorer = byMeans(scoredOf, tf.abs);

/** Root mean square. */
export const l2: WeightScorer = byMeans(scoredOf, tf.square, { here: Math.sqrt, onDevice: tf.sqrt });

/** Largest magnitude at each index along the middle of a slice. */
const peaks = ({ parameter, outer, length, inner }: Slice): tf.Tensor1D =>
  tf.max(tf.abs(tf.reshape(parameter.variable, [outer, length, inner])), [0, 2]);

/** Largest magnitude. */
export const largest: WeightScorer = onDevice(
  {
    look: ({ scored }) => scored.map(peaks),
    scores({ scored, size }, numbers) {
      const result = new Float64Array(size);
      for (const [s, { units }] of scored.entries()) {
        for (const [i, unit] of units.entries()) {
          if (unit >= 0) result[unit] = Math.max(result[unit], numbers[s][i]);
        }
      }
      return result;
    },
  },
  ({ scored, size }) => {
    const parts = scored.map((slice) => {
      const ids = tf.tensor2d(slice.units, [1, slice.length], 'int32');
      const own = tf.cast(tf.equal(ids, tf.reshape(tf.range(0, size, 1, 'int32'), [size, 1])), 'float32');
      return tf.max(tf.mul(own, tf.reshape(peaks(slice), [1, slice.length])), 1);
    });
    return parts.reduce((a, b) => tf.maximum(a, b)) as tf.Tensor1D;
  },
);

/**
 * Mean magnitude of the batch-norm scales that the structure passes (Liu et al. 2017, "Learning efficient
 * convolutional networks through network slimming").
 */
export const batchNormScale: WeightScorer = byMeans(scalesOf, tf.abs, undefined, ({ owner, sets }) => {
  const without = sets.find((set) => scalesOf(set).length === 0);
  if (without === undefined) return;
  throw new EspalierError(
    'unsupported-layer',
    `${owner}: ${without.name} passes no batch normalisation with a scale.`,
    { remedy: "Choose another criterion for it, for example 'l1'." },
  );
});

function scalesOf({ group }: Structures): Slice[] {
  return (group?.members ?? [])
    .filter(({ parameter }) => parameter.name.endsWith('/gamma'))
    .map(({ parameter, axis, units }) => sliceOf(parameter, axis, units));
}

/**
 * Sum of the distances to all other structures of the set: the lowest are nearest the geometric median, and
 * the others can stand in for them (He et al. 2019, "Filter pruning via geometric median", eq. 8).
 */
export const geometricMedian: Scorer = ofWeights({
  look: ({ scored }) => scored.map(({ parameter }) => parameter.variable),
  scores({ scored, size, name }, numbers) {
    const vectors: number[][] = Array.from({ length: size }, () => []);
    for (const [s, { outer, length, inner, units }] of scored.entries()) {
      const values = numbers[s];
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < length; i++) {
          if (units[i] < 0) continue;
          const from = (o * length + i) * inner;
          for (let k = 0; k < inner; k++) vectors[units[i]].push(values[from + k]);
        }
      }
    }
    if (vectors.some((v) => v.length !== vectors[0].length)) {
      throw new EspalierError('invalid-option', `The structures of ${name} differ in size.`, {
        remedy: 'The geometric median is of vectors of one length; choose another criterion.',
      });
    }
    const result = new Float64Array(size);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < a; b++) {
        let square = 0;
        for (let k = 0; k < vectors[a].length; k++) square += (vectors[a][k] - vectors[b][k]) ** 2;
        result[a] += Math.sqrt(square);
        result[b] += Math.sqrt(square);
      }
    }
    return result;
  },
});

/** Uniform in [0, 1), from a seed and the set's name: the same at every firing. */
export function random(seed: number | undefined): Scorer {
  return {
    observes: false,
    start: ({ run }) => ({
      look: () => [],
      scores: ({ name, size }) =>
        Float64Array.from({ length: size }, randomUniform(hash(seed ?? run.seed, hashString(name)))),
    }),
  };
}

/** Scores of one's own. */
export type ScoreFunction = (structures: Structures) => ArrayLike<number> | tf.Tensor;

export function custom(score: ScoreFunction): Scorer {
  return { observes: false, start: () => customScoring(score) };
}

function customScoring(score: ScoreFunction): Scoring {
  const given = new Map<Structures, ArrayLike<number>>();
  return {
    look(set) {
      const own = score(set);
      if (own instanceof tf.Tensor) return [own];
      given.set(set, own);
      return [];
    },
    scores(set, [read]) {
      const values = read ?? given.get(set)!;
      given.delete(set);
      if (values.length !== set.size) {
        throw new EspalierError(
          'shape-mismatch',
          `${values.length} scores were given for the ${set.size} structures of ${set.name}.`,
        );
      }
      return Float64Array.from(values);
    },
  };
}
