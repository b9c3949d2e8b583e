import * as tf from '@tensorflow/tfjs-core';
import { type Gaussians, gaussianSlopes, gaussianSums } from './gaussian-kl.js';
import { type Groups, groupsOf } from './groups.js';
import { hasLayerOps, layerKlInOps } from './layer-kl-ops.js';
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
  /** 0 for groups that are pruned, `[groups]`; undefined where none is. */
  readonly alive: tf.Tensor | undefined;
  /** The greatest log σ² there is. */
  readonly most: number | undefined;
  /** σ² of this step's forward pass, if it is still there. */
  readonly drawn: tf.Tensor | undefined;
}

/** A vector's numbers as one group. */
const oneGroup = (size: number): Groups => groupsOf([1, size], false, 'inputs');

/**
 * KL divergence of the posterior from the prior, times `factor`; differentiable by all its variables. The weights' part
 * is Σ ½ ((μ² + σ²)/z² - 1 - log σ² + log z²), z their group's scale: with μ = z μ̃ and σ = z σ̃ the KL of
 * w̃ ~ N(μ̃, σ̃²) from N(0, 1). Biases belong to their groups where these are outputs; else their prior is N(0, 1).
 *
 * Nothing is read: sums over the weights, a few numbers per group, and slopes that follow from them.
 */
export function layerKl(parts: LayerParts, factor: number): tf.Scalar {
  return hasLayerOps(parts) ? layerKlInOps(parts, factor) : plainLayerKl(parts, factor);
}

/** `layerKl` in TF.js's own ops. */
export function plainLayerKl(parts: LayerParts, factor: number): tf.Scalar {
  const { groups, bias, scales, alive, most, mean, logVariance } = parts;
  const grouped = bias !== undefined && groups.side === 'outputs';
  const capped = (x: tf.Tensor): tf.Tensor => (most === undefined ? x : tf.minimum(x, most));
  // Where log σ² is as great as it may be, it only gets slopes that lead down.
  const held = (slope: tf.Tensor, raw: tf.Tensor): tf.Tensor =>
    most === undefined ? slope : tf.where(tf.less(raw, most), slope, tf.relu(slope));
  const gaussians = ({ mean, mask, logVariance }: Weights, own: Groups, drawn?: tf.Tensor): Gaussians => {
    const matrix = (x: tf.Tensor): tf.Tensor => (x.rank === 1 ? tf.reshape(x, [1, -1]) : x);
    const logs = capped(logVariance);
    const whole = { mean: matrix(mean), variance: matrix(drawn ?? tf.exp(logs)), logVariance: matrix(logs) };
    return { ...whole, mask: mask && matrix(mask), groups: own };
  };
  const biasGroups =
    bias && (grouped ? groupsOf([1, groups.count], false, 'outputs') : oneGroup(bias.mean.size));
  const variables = [mean, logVariance, ...(bias ? [bias.mean, bias.logVariance] : [])];

  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const weights = gaussians(parts, groups, parts.drawn);
    let { energy, size, logs } = gaussianSums(weights);
    logs = tf.sum(logs);
    let biases: Gaussians | undefined;
    if (bias && biasGroups) {
      biases = gaussians(bias, biasGroups);
      const sums = gaussianSums(biases);
      logs = tf.add(logs, tf.sum(sums.logs));
      if (grouped) {
        energy = tf.add(energy, sums.energy);
        size = tf.add(size, sums.size);
      } else logs = tf.add(logs, tf.sum(tf.sub(sums.size, sums.energy)));
    }
    if (alive !== undefined) size = tf.mul(size, alive);
    const own = scales.kl({ energy, size });
    save([weights.variance, own.rate, ...(biases ? [biases.variance] : []), ...own.gradients]);
    return {
      value: tf.mul(tf.sub(own.value, tf.mul(logs, 0.5)), factor),
      gradFunc: (dy: tf.Tensor, [variance, rate, ...rest]: tf.Tensor[]) => {
        const f = tf.mul(dy, factor);
        const rates = tf.mul(rate, f);
        const slopes = gaussianSlopes({ mean, variance, mask: parts.mask, groups }, rates, f);
        const found = [slopes.mean, held(slopes.logVariance, logVariance)];
        if (bias && biasGroups) {
          const [its, ...others] = rest;
          rest = others;
          const matrix = { ...gaussians(bias, biasGroups, its), variance: its };
          const own = gaussianSlopes(matrix, grouped ? rates : tf.reshape(f, [1]), f);
          const vector = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [-1]);
          found.push(vector(own.mean), held(vector(own.logVariance), bias.logVariance));
        }
        return [...found, ...rest.map((gradient) => tf.mul(gradient, f))];
      },
    };
  });
  return compute(...variables, ...Object.values(scales.variables)) as tf.Scalar;
}
