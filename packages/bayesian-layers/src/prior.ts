import type {
  CountedRatio,
  Figure,
  Forward,
  Pruner,
  Quantizer,
  Read,
  Regularizer,
  Run,
} from '@espalier/core';
import { GroupPosterior } from './internal/group-posterior.js';
import { type GroupPriorOptions, type HorseshoeOptions, resolve } from './options.js';

/** What a layer's posterior says about its groups. */
export interface GroupReading {
  /** The kernel's name. */
  readonly name: string;
  /** Log dropout rates of the groups' best weights, or of a horseshoe the negative log modes of the scales. */
  readonly rates: Float32Array;
  /** Groups at or above it go. */
  readonly threshold: number;
  /** How far apart the rates' two modes are, see `suggestThreshold`. */
  readonly clarity: number;
  /** 1 for groups that are pruned already. */
  readonly dropped: Uint8Array;
}

/** What {@link groupNormalJeffreys} and {@link groupHorseshoe} make. */
export interface GroupPrior extends Regularizer, Forward, Pruner, Quantizer {
  /** The posterior of each layer's groups as it is now. */
  readings(): readonly GroupReading[];
  /** Pictures for the report: weights and rates by epoch, and which parts of the input matter. */
  figures(): Figure[];
  /** The paper's three ratios, by name, each with what it counts, of a run's model as it is now. */
  paperRatios(run: Run, read?: Read): Record<string, CountedRatio> | Promise<Record<string, CountedRatio>>;
}

/**
 * Bayesian compression of a training stage (Louizos, Ullrich & Welling, NIPS 2017): every weight of the schedule's
 * layers is drawn around its present value while it is trained, and shares a multiplicative scale with its group (the
 * weights that read a unit, or that make a filter). The scales have a normal-Jeffreys prior, p(z) ∝ 1/|z|: groups that
 * the data does not ask for become noise, and are pruned.
 *
 * The penalty is the KL divergence over N, in nats. The model stays plain: its weights are the posterior's means.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`; later `unsupported-layer`, `unknown-name`, `bad-state`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * import { groupNormalJeffreys } from '@espalier/bayesian-layers';
 * const kernelInitializer = tfl.initializers.ones();
 * const model = tfl.sequential({
 *   layers: [tfl.layers.dense({ units: 1, inputShape: [8], kernelInitializer })],
 * });
 * const inputs = tf.randomNormal([64, 8], 0, 1, 'float32', 1);
 * const labels = tf.slice(inputs, [0, 0], [64, 1]); // only the first input matters
 * const batch = () => ({ inputs: tf.clone(inputs), labels: tf.clone(labels) });
 * const data = { size: 64, stepsPerEpoch: 25, batches: () => Array.from({ length: 25 }, batch) };
 * const prior = groupNormalJeffreys({ examples: 64, rates: { variances: 0.1, scales: 0.1 } });
 * const run = new Run(model, { seed: 1 });
 * const loss = (y: tf.Tensor, x: tf.Tensor) => tf.mul(tf.mean(tf.squaredDifference(x, y)), 20) as tf.Scalar;
 * await train(run, { data, epochs: 8, loss, learningRate: 0.05, schedules: [{ plugin: prior }] });
 * const weights = Array.from(run.parameters[0].variable.dataSync());
 * if (weights.filter((w) => w !== 0).length !== 1) throw new Error(weights.join());
 * ```
 */
export function groupNormalJeffreys(options: GroupPriorOptions = {}): GroupPrior {
  return new GroupPosterior(resolve('groupNormalJeffreys', options, false), 'group-normal-jeffreys');
}

/**
 * As {@link groupNormalJeffreys}, with the group horseshoe: a scale z = z̃ s, both half-Cauchy, s ~ C⁺(0, τ₀) for the
 * layer and z̃ ~ C⁺(0, 1) for the group. Groups are pulled to τ₀ unless they escape in the heavy tail: it prunes harder.
 *
 * A group is judged by the negative log mode of its scale, σ² - μ of log z.
 *
 * @throws EspalierError as {@link groupNormalJeffreys}
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { groupHorseshoe } from '@espalier/bayesian-layers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
 * const run = new Run(model, { seed: 1 });
 * const prior = groupHorseshoe({ tau: 1e-4, pruneFrom: 0 });
 * prior.start?.(run, run.select());
 * const [{ rates, threshold }] = prior.readings();
 * if (rates.length !== 4 || threshold !== 10) throw new Error(String(threshold));
 * run.prune(prior, undefined, once());
 * if ((await run.counts()).nonzero !== 12) throw new Error('nothing is known yet: all groups stay');
 * prior.dispose?.();
 * ```
 */
export function groupHorseshoe(options: HorseshoeOptions = {}): GroupPrior {
  return new GroupPosterior(resolve('groupHorseshoe', options, true), 'group-horseshoe');
}
