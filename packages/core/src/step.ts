import type * as tf from '@tensorflow/tfjs-core';
import type { Arranged } from './arrange.js';
import type { ResolvedLoss } from './loss.js';
import type { Moment } from './moment.js';
import type { Parameter } from './parameter.js';

/** One training step as plugins see it. Tensors live until the call returns. */
export interface Step {
  /** The schedule's own time: `progress(at)` goes from 0 at its first step to 1 at its last. */
  readonly at: Moment;
  /** As the model takes them: several in its order. */
  readonly inputs: Arranged;
  /** One tensor per output: several in the model's order. */
  readonly labels: Arranged;
  /** How much each example counts, `[n]`. */
  readonly weights?: tf.Tensor;
  /** The model's outputs; logits where the loss works on logits. `onlyOne` is for plugins that can take one alone. */
  readonly outputs: Arranged;
  /** Whether the output activation was taken off: `outputs` are logits of a softmax or sigmoid. Of several, all of them. */
  readonly onLogits: boolean;
  /** The loss of each output; absent in loops of one's own that do not give them. */
  readonly losses?: readonly ResolvedLoss[];
}

/** A step after its backward pass. */
export interface ObservedStep extends Step {
  /** dL/dw of a trainable parameter (before masks and sharing), penalties included. */
  gradient(parameter: Parameter): tf.Tensor | undefined;
}
