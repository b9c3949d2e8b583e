import type { KnownPenalty } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Groups, groupsOf } from '../groups.js';
import { type Factor, scalarOf } from './factor.js';
import { type Gaussians, gaussianSlopes, gaussianSums } from './gaussian-kl.js';
import { hasLayerOps, layerKlInOps } from './layer-kl-ops.js';
import { gradientsOf, type LayerParts, type Weights } from './layer-parts.js';

/** A vector's numbers as one group. */
const oneGroup = (size: number): Groups => groupsOf([1, size], false, 'inputs');

/**
 * KL divergence of the posterior from the prior, times `factor`, with its gradients. The weights' part is
 * Σ ½ ((μ² + σ²)/z² - 1 - log σ² + log z²), z their group's scale: with μ = z μ̃ and σ = z σ̃ the KL of w̃ ~ N(μ̃, σ̃²)
 * from N(0, 1) (Louizos, Ullrich & Welling 2017, eq. 6 and 7). Biases belong to their groups where these are outputs;
 * else their prior is N(0, 1).
 *
 * Nothing is read: sums over the weights, a few numbers per group, and slopes that follow from them. Within a tidy.
 */
export function layerKl(parts: LayerParts, factor: Factor): KnownPenalty {
  return hasLayerOps(parts) ? layerKlInOps(parts, factor) : plainLayerKl(parts, factor);
}

/** `layerKl` in TF.js's own ops. */
export function plainLayerKl(parts: LayerParts, factor: Factor): KnownPenalty {
  const { groups, bias, scales, most, logVariance } = parts;
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
  const weights = gaussians(parts, groups, parts.drawn);
  const biases =
    bias &&
    gaussians(bias, grouped ? groupsOf([1, groups.count], false, 'outputs') : oneGroup(bias.mean.size));

  let { energy, size, logs } = gaussianSums(weights);
  logs = tf.sum(logs);
  if (biases !== undefined) {
    const sums = gaussianSums(biases);
    logs = tf.add(logs, tf.sum(sums.logs));
    if (grouped) {
      energy = tf.add(energy, sums.energy);
      size = tf.add(size, sums.size);
    } else logs = tf.add(logs, tf.sum(tf.sub(sums.size, sums.energy)));
  }
  const own = scales.kl({ energy, size });

  const f = scalarOf(factor);
  const rates = tf.mul(own.rate, f);
  const slopes = gaussianSlopes(weights, rates, f);
  const gradients = [slopes.mean, held(slopes.logVariance, logVariance)];
  if (bias && biases) {
    const its = gaussianSlopes(biases, grouped ? rates : tf.reshape(f, [1]), f);
    const vector = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [-1]);
    gradients.push(vector(its.mean), held(vector(its.logVariance), bias.logVariance));
  }
  gradients.push(...own.gradients.map((gradient) => tf.mul(gradient, f)));
  return {
    value: tf.mul(tf.sub(own.value, tf.mul(logs, 0.5)), f) as tf.Scalar,
    gradients: gradientsOf(parts, gradients),
  };
}
