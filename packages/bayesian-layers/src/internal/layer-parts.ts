import type { KnownPenalty } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Groups } from '../groups.js';
import type { Scales } from './scales.js';

/** Variables of weights, and what holds them. */
export interface Weights {
  readonly mean: tf.Variable;
  readonly logVariance: tf.Variable;
  /** 0 for weights that are pruned. */
  readonly mask: tf.Tensor | undefined;
}

/** A layer's posterior. */
export interface LayerParts extends Weights {
  readonly groups: Groups;
  readonly bias: Weights | undefined;
  readonly scales: Scales;
  /** The greatest log σ² there is. */
  readonly most: number | undefined;
  /** σ² of this step's forward pass, if it is still there. */
  readonly drawn: tf.Tensor | undefined;
}

/** The gradients of a layer's variables: of the means, log-variances and biases, then of the scales. */
export function gradientsOf(
  { mean, logVariance, bias, scales }: LayerParts,
  gradients: readonly tf.Tensor[],
): KnownPenalty['gradients'] {
  const biases = bias ? [bias.mean, bias.logVariance] : [];
  const variables = [mean, logVariance, ...biases, ...Object.values(scales.variables)];
  return new Map(variables.map((variable, i) => [variable, gradients[i]]));
}
