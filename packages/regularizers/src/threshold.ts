import { checkOneOf, checkRange, EspalierError, type Of, type Parameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { groupMagnitudes, groupMasks, groupSets, type PenalisedStructureOptions } from './structure.js';

/** Prunes for good what a penalty has driven below a threshold. */
export interface ThresholdOptions {
  /**
   * At every firing of the schedule, groups (single weights for L1 and L2) whose magnitude is at or below this
   * are pruned, for good. Default: none are.
   */
  readonly threshold?: number;
}

/** Prunes groups for good, and by what they are measured. */
export interface GroupThresholdOptions extends ThresholdOptions {
  /** A group's magnitude: mean (default) or maximum of |w|. */
  readonly criterion?: 'meanAbs' | 'max';
}

/** @throws EspalierError `invalid-option` */
export function checkThreshold(owner: string, { threshold, criterion }: GroupThresholdOptions): void {
  if (threshold !== undefined) checkRange(owner, 'threshold', threshold, 0, Number.MAX_VALUE);
  if (criterion === undefined) return;
  checkOneOf(owner, 'criterion', criterion, ['meanAbs', 'max']);
  if (threshold === undefined) {
    throw new EspalierError('invalid-option', `${owner}: criterion is given without a threshold.`, {
      remedy: 'Add threshold, or leave criterion out.',
    });
  }
}

/** What a session prunes; undefined without a threshold. */
export function maskingOf(
  owner: string,
  structure: PenalisedStructureOptions,
  { threshold, criterion = 'meanAbs' }: GroupThresholdOptions,
  of: Of,
): (() => Map<Parameter, tf.Tensor>) | undefined {
  if (threshold === undefined) return undefined;
  const sets = groupSets(owner, of, structure);
  return () => {
    const masks = new Map<Parameter, tf.Tensor>();
    for (const set of sets) {
      const kept = tf.tidy(() => tf.cast(tf.greater(groupMagnitudes(set, criterion), threshold), 'float32'));
      for (const [parameter, mask] of groupMasks(set, kept)) masks.set(parameter, mask);
      kept.dispose();
    }
    return masks;
  };
}
