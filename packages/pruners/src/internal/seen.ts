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
  const scores = new Map<Parameter, ArrayLike<number> | undefined>();
  const masked = of.filter((parameter) => run?.mask(parameter) !== undefined);
  return read(
    () => {
      const own = of.flatMap((parameter) => {
        const given = typeof score === 'function' ? score(parameter) : undefined;
        if (given instanceof tf.Tensor) return given;
        scores.set(parameter, given);
        return [];
      });
      return [...of.map(({ variable }) => variable), ...masked.map((p) => run!.mask(p)!), ...own];
    },
    (numbers) => {
      const rest = numbers.slice(of.length);
      const masks = new Map(masked.map((parameter) => [parameter, rest.shift()]));
      const seen = of.map((parameter, i): [Parameter, Seen] => {
        const weights = numbers[i];
        const alive = run === undefined ? nonzero(weights) : masks.get(parameter);
        return [
          parameter,
          { weights, alive, own: scores.has(parameter) ? scores.get(parameter) : rest.shift() },
        ];
      });
      return use(new Map(seen));
    },
  );
}

function nonzero(weights: Float32Array): Float32Array | undefined {
  return weights.includes(0) ? weights.map((w) => (w === 0 ? 0 : 1)) : undefined;
}
