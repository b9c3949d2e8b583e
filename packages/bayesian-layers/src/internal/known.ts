import * as tf from '@tensorflow/tfjs-core';
import type { KlStep, LayerPosterior } from './layer-posterior.js';

/** The sum of terms of which values and gradients are known, as a scalar that TF.js can differentiate. */
export function known(steps: () => readonly KlStep[], layers: readonly LayerPosterior[]): tf.Scalar {
  const variables = layers.flatMap((layer) => layer.trained);
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const terms = steps();
    const gradients = new Map(terms.flatMap((term) => term.gradients));
    save(variables.map((variable) => gradients.get(variable) as tf.Tensor));
    return {
      value: tf.scalar(terms.reduce((total, { value }) => total + value, 0)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const outer = dy.dataSync()[0];
        return outer === 1 ? saved : saved.map((gradient) => tf.mul(gradient, outer));
      },
    };
  });
  return compute(...variables) as tf.Scalar;
}
