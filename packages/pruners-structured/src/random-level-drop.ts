import { checkOptions, checkRange, EspalierError, type Noise } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Criterion, checkCriterion, weightScorers } from './criteria/criterion.js';
import { checkDrop, type DropOptions, dropOptions, dropPlugin } from './drop.js';
import { countOf } from './structures/choose.js';
import { checkStructure, structureOptions } from './structures/resolve.js';

/** Between how many and how many structures {@link randomLevelDrop} drops. */
export interface RandomLevelDropOptions extends DropOptions {
  /** Least fraction of the structures to drop, in [0, 1]. */
  readonly low: number;
  /** Largest fraction, in [low, 1]. */
  readonly high: number;
  /** Which go first: one of the criteria that look at weights. Default `'l1'`. */
  readonly criterion?: Extract<Criterion, 'l1' | 'l2' | 'max' | 'batch-norm-scale'>;
}

/**
 * Drops the least important structures while training, of each set another number in each step: a fraction that
 * is uniform in [low, high]. Nothing is pruned: the weights, every evaluation and every checkpoint are those of
 * the whole model, which learns to do without.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`; when started: `refused`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { randomLevelDrop } from '@espalier/pruners-structured';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 4, inputShape: [1], useBias: false })] });
 * model.setWeights([tf.tensor2d([[4, 1, 3, 2]])]);
 * const run = new Run(model, { seed: 1 });
 * const drop = randomLevelDrop({ structure: 'columns', low: 0.5, high: 0.5, scale: false });
 * const { session } = await run.start(drop);
 * const [noise] = session.noise(once()).values();
 * if (noise.dataSync().join() !== '1,0,1,0') throw new Error('unexpected');
 * ```
 */
export function randomLevelDrop(options: RandomLevelDropOptions): Noise {
  const owner = 'randomLevelDrop';
  const { low, high, criterion = 'l1' } = options;
  checkOptions(owner, options, ['low', 'high', 'criterion', ...dropOptions, ...structureOptions]);
  checkRange(owner, 'low', low, 0, 1);
  checkRange(owner, 'high', high, low, 1);
  checkCriterion(owner, { criterion });
  if (!['l1', 'l2', 'max', 'batch-norm-scale'].includes(criterion)) {
    throw new EspalierError('invalid-option', `${owner}: criterion is ${String(criterion)}.`, {
      remedy: "Give one that looks at weights: 'l1', 'l2', 'max' or 'batch-norm-scale'.",
    });
  }
  checkDrop(owner, options);
  checkStructure(owner, options);
  const scorer = weightScorers[criterion];
  return dropPlugin(
    owner,
    options,
    (set, random) => {
      const gone = countOf(set.size, low + (high - low) * random(), 1);
      return { kept: allButLowest(scorer.onDevice(set), gone), count: set.size - gone };
    },
    (run, sets) => scorer.check({ owner, run, sets, tied: undefined }),
  );
}

/** 0 for the `count` lowest scores, of equal ones the first; else 1. On the device: this is of every step. */
function allButLowest(scores: tf.Tensor1D, count: number): tf.Tensor1D {
  if (count === 0) return tf.onesLike(scores);
  const { indices } = tf.topk(tf.neg(scores), count);
  const gone = tf.scatterND(tf.reshape(indices, [count, 1]), tf.ones([count]), [scores.size]);
  return tf.sub(1, gone);
}
