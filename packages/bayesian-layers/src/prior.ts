import { type Plugin, type Quantizer, reading } from '@espalier/core';
import { checkParameters, newPosteriors, savedPosteriors } from './internal/posteriors.js';
import { rounding } from './internal/rounding.js';
import { trainPosteriors } from './internal/training.js';
import { type GroupPriorOptions, type HorseshoeOptions, type Resolved, resolve } from './options.js';
import type { GroupSession } from './session.js';

/**
 * What {@link groupNormalJeffreys} and {@link groupHorseshoe} make: a regularizer with a forward pass of its own and,
 * unless `pruneFrom` is false, a pruner.
 */
export interface GroupPrior extends Plugin<GroupSession> {
  /** Rounds to the precision that a run's posterior variances allow. With a session's state it has its pictures, too. */
  readonly quantizer: Quantizer;
}

function groupPrior(options: Resolved): GroupPrior {
  const { owner: name, pruneFrom } = options;
  return {
    name,
    kinds: pruneFrom === undefined ? ['regularizer', 'forward'] : ['regularizer', 'forward', 'pruner'],
    quantizer: rounding(name, options),
    check: (_run, of) => checkParameters(of, options),
    start(run, of, state) {
      const posteriors =
        state === undefined
          ? newPosteriors(run, of, options, reading())
          : savedPosteriors(run, of, state, options);
      return posteriors instanceof Promise
        ? posteriors.then((made) => trainPosteriors(run, made, options))
        : trainPosteriors(run, posteriors, options);
    },
  };
}

/**
 * Bayesian compression of a training stage (Louizos, Ullrich & Welling, NIPS 2017): every weight of the schedule's
 * layers is drawn around its present value while it is trained, and shares a multiplicative scale with its group (the
 * weights that read a unit, or that make a filter). The scales have a normal-Jeffreys prior, p(z) ∝ 1/|z|: groups that
 * the data does not ask for become noise, and are pruned.
 *
 * The penalty is the KL divergence over N, in nats. The model stays plain: its weights are the posterior's means.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`; when it is started `unsupported-layer`, `unknown-name`, and
 *   `bad-state` with a state that is not its own or has no posterior of a kernel; when it trains `bad-state` where the
 *   model was cut since
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
  return groupPrior(resolve('groupNormalJeffreys', options, false));
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
 * import { Run } from '@espalier/core';
 * import { groupHorseshoe } from '@espalier/bayesian-layers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
 * const run = new Run(model, { seed: 1 });
 * const prior = groupHorseshoe({ tau: 1e-4, pruneFrom: 0 });
 * const running = await run.start(prior);
 * const [{ rates, threshold }] = running.session.readings();
 * if (rates.length !== 4 || threshold !== 10) throw new Error(String(threshold));
 * await running.fire();
 * if ((await run.counts()).nonzero !== 12) throw new Error('nothing is known yet: all groups stay');
 * running.dispose();
 * ```
 */
export function groupHorseshoe(options: HorseshoeOptions = {}): GroupPrior {
  return groupPrior(resolve('groupHorseshoe', options, true));
}
