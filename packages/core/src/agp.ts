import { type Moment, progress } from './moment.js';

/**
 * The sparsity of automated gradual pruning at a moment: s_f + (s_i - s_f)(1 - t)³ with t from 0 at the first
 * firing to 1 at the last (Zhu & Gupta 2017, "To prune, or not to prune", eq. 1). A schedule that fires once
 * goes to the final sparsity.
 *
 * @param initial - s_i, in [0, 1].
 * @param final - s_f, in [0, 1].
 * @param power - In the place of the 3, > 0; 1 is linear.
 *
 * @example
 * ```ts
 * import { agpSparsity, once } from '@espalier/core';
 * const curve = [0, 1, 2].map((index) => agpSparsity(0, 0.8, 3, { ...once(), index, count: 3 }));
 * if (curve.map((s) => s.toFixed(2)).join() !== '0.00,0.70,0.80') throw new Error(curve.join());
 * ```
 */
export function agpSparsity(initial: number, final: number, power: number, at: Moment): number {
  return final + (initial - final) * (1 - progress(at)) ** power;
}
