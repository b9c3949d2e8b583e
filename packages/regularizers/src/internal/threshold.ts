import { checkRange, EspalierError, type Parameter, type Pruner, unknownName } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type GroupOptions, groupMagnitudes, groupMasks, groupSets } from '../groups.js';

/** Prunes for good what a penalty has driven below a threshold. */
export interface ThresholdOptions {
  /**
   * At every firing of the schedule, groups (single weights for L1 and L2) whose magnitude is at or below this
   * are pruned, for good. Default: none are.
   */
  readonly threshold?: number;
}

export interface GroupThresholdOptions extends ThresholdOptions {
  /** A group's magnitude: mean (default) or maximum of |w|. */
  readonly criterion?: 'mean-abs' | 'max';
}

export function checkThreshold(owner: string, { threshold, criterion }: GroupThresholdOptions): void {
  if (threshold !== undefined) checkRange(owner, 'threshold', threshold, 0, Number.MAX_VALUE);
  if (criterion === undefined) return;
  if (criterion !== 'mean-abs' && criterion !== 'max') {
    throw unknownName('criterion', String(criterion), ['mean-abs', 'max']);
  }
  if (threshold === undefined) {
    throw new EspalierError('invalid-option', `${owner}: criterion is given without a threshold.`, {
      remedy: 'Add threshold, or leave criterion out.',
    });
  }
}

/** What makes a regularizer a pruner too; nothing without a threshold. */
export function thresholding(
  owner: string,
  groups: GroupOptions,
  { threshold, criterion = 'mean-abs' }: GroupThresholdOptions,
): Partial<Pick<Pruner, 'masks'>> {
  if (threshold === undefined) return {};
  return {
    masks(of) {
      const masks = new Map<Parameter, tf.Tensor>();
      for (const set of groupSets(owner, of, groups)) {
        const kept = tf.tidy(() =>
          tf.cast(tf.greater(groupMagnitudes(set, criterion), threshold), 'float32'),
        );
        for (const [parameter, mask] of groupMasks(set, kept)) masks.set(parameter, mask);
        kept.dispose();
      }
      return masks;
    },
  };
}
