import { type Plugin, type Quantizer, reading } from '@espalier/core';
import { newMixtures, savedMixtures } from './internal/mixtures.js';
import { snapping } from './internal/snapping.js';
import { trainMixtures } from './internal/training.js';
import { type MixturePriorOptions, owner, resolve } from './options.js';
import type { MixtureSession } from './session.js';

/** What {@link gaussianMixturePrior} makes: a regularizer and, with `pruneFrom`, a pruner. */
export interface MixturePrior extends Plugin<MixtureSession> {
  /** Merges and snaps by what a session has learned: it is started with the session's state. */
  readonly quantizer: Quantizer;
}

/**
 * Soft weight-sharing (Nowlan & Hinton 1992; Ullrich, Meeds & Welling, ICLR 2017): a Gaussian mixture over the
 * weights, learned with them, as a prior. One component sits at 0 and takes most weights; the others draw the
 * rest together, so that the weights prune and quantise themselves while they are trained. After training, its
 * `quantizer` brings every weight to the mean of its component.
 *
 * The penalty is τ/N (-log p(weights) - log p(mixture)) in nats; its gradients are evaluated on a grid in one
 * pass over the weights (see the readme for how near and how fast).
 *
 * @throws EspalierError `unknown-option`, `invalid-option`; when it is started `not-finite`, and `bad-state` with a
 *   state that is not its own, or has no mixture of one of the parameters; its quantizer also without one
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * import { gaussianMixturePrior } from '@espalier/priors-gmm';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [8] })] });
 * const inputs = tf.randomNormal([64, 8], 0, 1, 'float32', 1);
 * const labels = tf.slice(inputs, [0, 0], [64, 1]); // only the first input matters
 * const batches = () => [{ inputs: tf.clone(inputs), labels: tf.clone(labels) }];
 * const data = { size: 64, stepsPerEpoch: 1, batches };
 * const options = { data, epochs: 100, loss: 'meanSquaredError', learningRate: 0.02 } as const;
 * const run = new Run(model);
 * await train(run, options);
 * const prior = gaussianMixturePrior({ components: 3, tau: 1, zeroShare: 0.8 });
 * const running = await run.start(prior);
 * await train(run, { ...options, schedules: [{ plugin: running }] });
 * await run.quantize(prior.quantizer, undefined, undefined, await running.save());
 * running.dispose();
 * const weights = Array.from(run.parameters[0].variable.dataSync());
 * if (weights.filter((w) => w === 0).length !== 7) throw new Error(weights.join());
 * ```
 */
export function gaussianMixturePrior(options: MixturePriorOptions = {}): MixturePrior {
  const resolved = resolve(options);
  return {
    name: owner,
    kinds: resolved.pruneFrom === undefined ? ['regularizer'] : ['regularizer', 'pruner'],
    quantizer: snapping(resolved),
    start(run, of, state) {
      const mixtures =
        state === undefined ? newMixtures(of, resolved, reading()) : savedMixtures(run, of, state, resolved);
      return mixtures instanceof Promise
        ? mixtures.then((made) => trainMixtures(run, of, made, resolved))
        : trainMixtures(run, of, mixtures, resolved);
    },
  };
}
