import * as tf from '@tensorflow/tfjs-core';
import type { Moments } from '../math/moments.js';
import { type Normal, scalePriors } from '../math/scale-priors.js';
import {
  type GroupWeights,
  type HorseshoeVariables,
  horseshoeKl,
  jeffreysKl,
  type ScaleKl,
} from './scale-kl.js';
import { columnSums } from './sums.js';

/** The posterior over the scales of a layer's groups, relative to their means. */
export interface Scales {
  readonly variables: Readonly<Record<string, tf.Variable>>;
  /** Scales with mean 1, in the shape `[batch, …, groups]`; differentiable. */
  draw(shape: readonly number[], normal: Normal): tf.Tensor;
  /** log α, [groups], where the scales are N(1, α); differentiable. */
  readonly logRate?: tf.Variable;
  /** KL from the prior, and what follows for the weights. Within a tidy. */
  kl(weights: GroupWeights): ScaleKl;
  /** Are the rates log Var[z] / E[z]²? Else they are negative log modes. */
  readonly relative: boolean;
  /** log α, or the negative log mode of z. `[groups]`. */
  rates(): tf.Tensor;
  /** Of the scales with mean 1: 1, and Var[z] / E[z]² of each group, `[groups]`. */
  moments(): Moments;
}

/** The numbers of the variables, by name. */
export type ScaleNumbers = Readonly<Record<string, Float32Array>>;

const vector = (values: Float32Array): tf.Variable => tf.tidy(() => tf.variable(tf.tensor1d(values), true));

/** 1 + ε √α, one node for TF.js. */
function aroundOne(logRate: tf.Tensor, noise: tf.Tensor): tf.Tensor {
  const compute = tf.customGrad((x, save) => {
    const deviation = tf.exp(tf.mul(x as tf.Tensor, 0.5));
    (save as unknown as (tensors: tf.Tensor[]) => void)([deviation, noise]);
    return {
      value: tf.add(tf.mul(noise, deviation), 1),
      gradFunc: (dy: tf.Tensor, [root, drawn]: tf.Tensor[]) =>
        tf.mul(columnSums(tf.mul(dy, drawn)), tf.mul(root, 0.5)),
    };
  });
  return compute(logRate);
}

/**
 * Normal-Jeffreys: z ~ N(z̄, α z̄²). With the weights' means in units of w, z̄ appears in their KL alone, and that
 * is least where z̄² is the mean of μ² + σ² over the group: z̄ needs no variable of its own.
 */
export function jeffreysScales(numbers: ScaleNumbers): Scales {
  const logRate = vector(numbers.logRate);
  return {
    variables: { logRate },
    draw: (shape, normal) => aroundOne(logRate, normal(shape)),
    logRate,
    kl: (weights) => jeffreysKl(logRate, weights),
    relative: true,
    rates: () => logRate,
    moments: () => ({ mean: tf.scalar(1), variance: tf.exp(logRate) }),
  };
}

/**
 * Group horseshoe.
 *
 * @param tau - τ₀ > 0.
 */
export function horseshoeScales(numbers: ScaleNumbers, tau: number): Scales {
  const prior = scalePriors.horseshoe;
  const variables = Object.fromEntries(
    Object.keys(prior.variables).map((name) => [name, vector(numbers[name])]),
  );
  return {
    variables,
    draw: (shape, normal) => tf.div(prior.draw(variables, shape, normal), prior.moments(variables).mean),
    kl: (weights) => horseshoeKl(variables as unknown as HorseshoeVariables, weights, tau),
    relative: false,
    rates: () => prior.rates(variables),
    moments() {
      const { mean, variance } = prior.moments(variables);
      return { mean: tf.scalar(1), variance: tf.div(variance, tf.square(mean)) };
    },
  };
}
