import type { Parameter, RunState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** Masks without the weights that are pruned already, in a stage before by the same owner, say: they stay pruned. */
export function withoutGone(run: RunState, masks: Map<Parameter, tf.Tensor>): Map<Parameter, tf.Tensor> {
  for (const [parameter, mask] of masks) {
    const before = run.mask(parameter);
    if (before === undefined) continue;
    masks.set(parameter, tf.mul(mask, before));
    mask.dispose();
  }
  return masks;
}
