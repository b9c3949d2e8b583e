import type { KnownPenalty, Parameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * A penalty that brings its gradients: fewer passes over the weights than automatic ones take, and defined where those
 * are not. Frees what `work` makes beside its result.
 *
 * @param work - The terms of the penalty, which are added up, and d penalty / d w of each parameter.
 */
export function knownPenalty(
  parameters: readonly Parameter[],
  work: () => { readonly terms: readonly tf.Tensor[]; readonly gradients: readonly tf.Tensor[] },
): KnownPenalty {
  const [value, ...gradients] = tf.tidy(() => {
    const { terms, gradients: all } = work();
    return [terms.length === 0 ? tf.scalar(0) : terms.reduce((a, b) => tf.add(a, b)), ...all];
  });
  return {
    value: value as tf.Scalar,
    gradients: new Map(parameters.map(({ variable }, i) => [variable, gradients[i]])),
  };
}
