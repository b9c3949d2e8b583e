import { EspalierError, hash, hashString, uniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { countInto, gather, type Slice, sliceOf, sums } from '../structures/slice.js';
import type { Structures } from '../structures/structures.js';
import type { Scorer } from './scorer.js';

/** Mean of `f(w)` over the scored weights of each structure. */
function means(slices: readonly Slice[], size: number, f: (w: tf.Tensor) => tf.Tensor): Float64Array {
  const total = new Float64Array(size);
  const counts = new Float64Array(size);
  for (const slice of slices) {
    gather(slice, sums(slice, slice.parameter.variable, f), total);
    countInto(slice, counts);
  }
  return total.map((sum, i) => sum / counts[i]);
}

/** Mean magnitude (Li et al. 2017, "Pruning filters for efficient ConvNets"). */
export const l1: Scorer = { scores: ({ scored, size }) => means(scored, size, tf.abs) };

/** Root mean square. */
export const l2: Scorer = {
  scores: ({ scored, size }) => means(scored, size, tf.square).map((mean) => Math.sqrt(mean)),
};

/** Largest magnitude. */
export const largest: Scorer = {
  scores({ scored, size }) {
    const result = new Float64Array(size);
    for (const { parameter, outer, length, inner, units } of scored) {
      const peaks = tf.tidy(() =>
        tf.max(tf.abs(tf.reshape(parameter.variable, [outer, length, inner])), [0, 2]).dataSync(),
      );
      for (const [i, unit] of units.entries()) {
        if (unit >= 0) result[unit] = Math.max(result[unit], peaks[i]);
      }
    }
    return result;
  },
};

/**
 * Mean magnitude of the batch-norm scales that the structure passes (Liu et al. 2017, "Learning efficient
 * convolutional networks through network slimming").
 */
export const batchNormScale: Scorer = {
  start({ owner, sets }) {
    const without = sets.find((set) => scalesOf(set).length === 0);
    if (without === undefined) return;
    throw new EspalierError(
      'unsupported-layer',
      `${owner}: ${without.name} passes no batch normalisation with a scale.`,
      { remedy: "Choose another criterion for it, for example 'l1'." },
    );
  },
  scores: (set) => means(scalesOf(set), set.size, tf.abs),
};

function scalesOf({ group }: Structures): Slice[] {
  return (group?.members ?? [])
    .filter(({ parameter }) => parameter.name.endsWith('/gamma'))
    .map(({ parameter, axis, units }) => sliceOf(parameter, axis, units));
}

/**
 * Sum of the distances to all other structures of the set: the lowest are nearest the geometric median, and
 * the others can stand in for them (He et al. 2019, "Filter pruning via geometric median", eq. 8).
 */
export const geometricMedian: Scorer = {
  scores({ scored, size, name }) {
    const vectors: number[][] = Array.from({ length: size }, () => []);
    for (const { parameter, outer, length, inner, units } of scored) {
      const values = parameter.variable.dataSync();
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
};

/** Uniform in [0, 1), from a seed and the set's name: the same at every firing. */
export function random(seed: number | undefined): Scorer {
  let own = seed ?? 0;
  return {
    start({ run }) {
      own = seed ?? run.seed;
    },
    scores: ({ name, size }) => Float64Array.from({ length: size }, uniform(hash(own, hashString(name)))),
  };
}

/** Scores of one's own. */
export type ScoreFunction = (structures: Structures) => ArrayLike<number> | tf.Tensor;

export function custom(score: ScoreFunction): Scorer {
  return {
    scores(set) {
      let result: Float64Array | undefined;
      tf.tidy(() => {
        const given = score(set);
        const values = given instanceof tf.Tensor ? given.dataSync() : given;
        if (values.length !== set.size) {
          throw new EspalierError(
            'shape-mismatch',
            `${values.length} scores were given for the ${set.size} structures of ${set.name}.`,
          );
        }
        result = Float64Array.from(values);
      });
      return result;
    },
  };
}
