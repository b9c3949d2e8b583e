import type { Parameter, Read, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Score } from '../score.js';

/** What ranking goes by, of one parameter; row-major. */
export interface Seen {
  readonly weights: Float32Array;
  /**
   * Which weights are still there: 1 alive, 0 pruned. Without a run (a pruner called outside of one), weights that
   * are exactly 0 count as pruned. Undefined where all are there.
   */
  readonly alive: Float32Array | undefined;
  /** Scores of somebody's own. */
  readonly own: ArrayLike<number> | undefined;
}

/** Reads what it takes to rank the weights of some parameters. */
export function see<T>(
  read: Read,
  of: readonly Parameter[],
  run: Run | undefined,
  score: Score,
  use: (seen: ReadonlyMap<Parameter, Seen>) => T,
): T | Promise<T> {
  const lists: (ArrayLike<number> | undefined)[] = [];
  return read(
    () =>
      of.map((parameter) => {
        const given = typeof score === 'function' ? score(parameter) : undefined;
        const own = given instanceof tf.Tensor ? given : undefined;
        lists.push(given instanceof tf.Tensor ? undefined : given);
        return { weights: parameter.variable as tf.Tensor, mask: run?.mask(parameter), own };
      }),
    (seen) =>
      use(
        new Map(
          seen.map(({ weights, mask, own }, i): [Parameter, Seen] => {
            const alive = run === undefined ? nonzero(weights) : mask;
            return [of[i], { weights, alive, own: own ?? lists[i] }];
          }),
        ),
      ),
  );
}

function nonzero(weights: Float32Array): Float32Array | undefined {
  return weights.includes(0) ? weights.map((w) => (w === 0 ? 0 : 1)) : undefined;
}
