import * as tf from '@tensorflow/tfjs-core';
import { escapeHeight, escapeShare } from '../level-model.js';
import { cutter, leastScale } from './numbers.js';

/** What is learned beside the weights, one number a tensor in each: [tensors]. */
export interface RateVariables {
  readonly logStep: tf.Tensor;
  readonly logSpike: tf.Tensor;
  readonly logTail: tf.Tensor;
  readonly logit: tf.Tensor;
}

/** exp(log steps), cut to 4 significant bits. */
export function roundedSteps(logSteps: tf.Tensor): tf.Tensor {
  const steps = tf.exp(logSteps);
  const much = tf.mul(steps, cutter);
  return tf.sub(much, tf.sub(much, steps));
}

/** What all weights belong to, and what is learned of it. */
export interface Foreseen {
  readonly variables: RateVariables;
  /** Which tensor each weight belongs to, int32. */
  readonly of: tf.Tensor1D;
  /** How many weights each tensor has. */
  readonly sizes: readonly number[];
}

/** Mass of a bin under a Laplace distribution, and what its slopes are made of. */
function binMass(far: tf.Tensor, log: tf.Tensor, of: tf.Tensor) {
  const free = tf.exp(log);
  const scale = tf.add(free, leastScale);
  const shares = tf.gather(tf.div(-1, scale), of);
  const below = tf.sub(far, 0.5);
  const above = tf.add(far, 0.5);
  const near = tf.exp(tf.mul(tf.abs(below), shares));
  const beyond = tf.exp(tf.mul(above, shares));
  const mass = tf.mul(tf.sub(tf.where(tf.greater(below, 0), near, tf.sub(2, near)), beyond), 0.5);
  return {
    mass,
    /** By |v|. */
    slope: (): tf.Tensor => tf.mul(tf.sub(near, beyond), tf.mul(shares, 0.5)),
    /** By the logarithm that is trained. */
    byLog(): tf.Tensor {
      const parts = tf.mul(tf.sub(tf.mul(above, beyond), tf.mul(below, near)), tf.mul(shares, 0.5));
      return tf.mul(parts, tf.gather(tf.div(free, scale), of));
    },
  };
}

/** p(v), and what its slopes are made of. */
function massAt(v: tf.Tensor, { variables: { logSpike, logTail, logit }, of }: Foreseen) {
  const far = tf.abs(v);
  const spike = binMass(far, logSpike, of);
  const tail = binMass(far, logTail, of);
  const shares = tf.mul(tf.sigmoid(logit), 1 - escapeShare);
  const share = tf.gather(shares, of);
  const rest = tf.sub(1 - escapeShare, share);
  const outward = tf.add(far, 1);
  const escaping = tf.div(escapeShare * escapeHeight, tf.square(outward));
  const p = tf.addN([tf.mul(share, spike.mass), tf.mul(rest, tail.mass), escaping]);
  return { p, spike, tail, share, rest, shares, escaping, outward };
}

/** Sums over each tensor: [tensors] of each of some [weights]. */
function sums(of: readonly tf.Tensor[], sizes: readonly number[]): tf.Tensor[] {
  const parts = tf.split(tf.stack([...of]), [...sizes], 1);
  return tf.unstack(tf.stack(parts.map((part) => tf.sum(part, 1))), 1);
}

/** What levels take, and how it depends on their model; nothing of it has been read. */
export interface LevelRate {
  /** Bits of each tensor, [tensors]. */
  readonly bits: tf.Tensor;
  /** d bits / d variable, [tensors] each. */
  readonly logSpike: tf.Tensor;
  readonly logTail: tf.Tensor;
  readonly logit: tf.Tensor;
}

/**
 * What whole levels take (`levelBits`, on the device), and its gradients by the model's numbers: the model learns what
 * a file holds.
 *
 * @param weights - All tensors' weights, one after the other.
 */
export function levelRate(weights: tf.Tensor1D, foreseen: Foreseen): LevelRate {
  const { variables, of, sizes } = foreseen;
  const levels = tf.round(tf.div(weights, tf.gather(roundedSteps(variables.logStep), of)));
  const { p, spike, tail, share, rest, shares } = massAt(levels, foreseen);
  const perP = tf.div(-Math.LOG2E, p);
  const [bits, logSpike, logTail, byShare] = sums(
    [
      tf.mul(tf.log(p), -Math.LOG2E),
      tf.mul(tf.mul(share, spike.byLog()), perP),
      tf.mul(tf.mul(rest, tail.byLog()), perP),
      tf.mul(tf.sub(spike.mass, tail.mass), perP),
    ],
    sizes,
  );
  return {
    bits,
    logSpike,
    logTail,
    logit: tf.mul(byShare, tf.mul(shares, tf.sigmoid(tf.neg(variables.logit)))),
  };
}

/** How the rate of weights that noise has moved depends on them and on their steps. */
export interface WeightSlopes {
  /** d bits / d weights, one after the other, [weights]. */
  readonly weights: tf.Tensor;
  /** d bits / d log steps, [tensors]. */
  readonly logStep: tf.Tensor;
}

/**
 * The slopes of the bits at v = w / step + noise (Ballé et al. 2017): rounding itself has none.
 *
 * @param noise - In steps, one for each weight, in [-½, ½).
 */
export function weightSlopes(weights: tf.Tensor1D, noise: tf.Tensor, foreseen: Foreseen): WeightSlopes {
  const { variables, of, sizes } = foreseen;
  const perStep = tf.gather(tf.div(1, roundedSteps(variables.logStep)), of);
  const inSteps = tf.mul(weights, perStep);
  const v = tf.add(inSteps, noise);
  const { p, spike, tail, share, rest, escaping, outward } = massAt(v, foreseen);
  const slopes = tf.addN([
    tf.mul(share, spike.slope()),
    tf.mul(rest, tail.slope()),
    tf.mul(tf.div(escaping, outward), -2),
  ]);
  const byV = tf.mul(tf.div(tf.mul(slopes, tf.sign(v)), p), -Math.LOG2E);
  const [logStep] = sums([tf.neg(tf.mul(byV, inSteps))], sizes);
  return { weights: tf.mul(byV, perStep), logStep };
}
