import type { Parameter, Read, RunState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** What ranking goes by, of one parameter; row-major. */
export interface Seen {
  readonly weights: Float32Array;
  /** Which weights are still there: 1 alive, 0 pruned. Undefined where all are. */
  readonly alive: Float32Array | undefined;
  /** Scores of somebody's own. */
  readonly own: ArrayLike<number> | undefined;
}

/** Scores of somebody's own, row-major. */
export type OwnScores = (parameter: Parameter) => tf.Tensor | ArrayLike<number>;

/** Reads what it takes to rank the weights of some parameters; `criterion` may be scores of somebody's own. */
export function see<T>(
  read: Read,
  run: RunState,
  of: readonly Parameter[],
  criterion: string | OwnScores,
  use: (seen: ReadonlyMap<Parameter, Seen>) => T,
): T | Promise<T> {
  const lists: (ArrayLike<number> | undefined)[] = [];
  return read(
    () =>
      of.map((parameter) => {
        const given = typeof criterion === 'function' ? criterion(parameter) : undefined;
        const own = given instanceof tf.Tensor ? given : undefined;
        lists.push(given instanceof tf.Tensor ? undefined : given);
        return { weights: parameter.variable as tf.Tensor, mask: run.mask(parameter), own };
      }),
    (seen) =>
      use(
        new Map(
          seen.map(({ weights, mask, own }, i): [Parameter, Seen] => [
            of[i],
            { weights, alive: mask, own: own ?? lists[i] },
          ]),
        ),
      ),
  );
}
