import { type Of, type Plugin, type Quantizer, type RunState, reading } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { rounding } from './internal/levels.js';
import { firstNumbers } from './internal/numbers.js';
import { checkParameters, trainedOf } from './internal/parameters.js';
import { knownFrom, numbersOf } from './internal/state.js';
import { Tensors } from './internal/tensors.js';
import { trainRate } from './internal/training.js';
import { owner, type RatePriorOptions, type Resolved, resolve } from './options.js';
import type { RateSession } from './session.js';
import { ownAim } from './weight.js';

/** What {@link ratePrior} makes: a regularizer with a forward pass of its own and, with `pruneFrom`, a pruner. */
export interface RatePrior extends Plugin<RateSession> {
  /**
   * Brings every weight to the level that training has seen it at, and statistics of normalisation, of those it is given, to
   * eight significant bits: it is started with the session's state.
   */
  readonly quantizer: Quantizer;
}

/**
 * Training for the coder (entropy-penalised: Oktay et al. 2019; noise for the rate: Ballé et al. 2017). Each tensor has a
 * step and a model of its levels, round(w / step), both learned with the weights. The loss sees the weights at their
 * levels, straight through; to it is added what the levels cost, λ · bits / N, with uniform noise in place of rounding.
 * So weights move to where they are cheap, and most of them to 0, unless the data asks for something else.
 *
 * After training, its `quantizer` brings every weight to its level: what the loss has seen, to the bit. Give it biases
 * and normalisation too, `parameters: '**'`: its statistics, which are measured and not trained, keep eight significant bits.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`; when it is started `invalid-schedule` for parameters that
 *   are frozen or shared already, `bad-state` with a state that is not its own; when it trains `invalid-schedule` where
 *   another plugin of the same stage draws the weights
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * import { ratePrior } from '@espalier/rate';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [8] })] });
 * const inputs = tf.randomNormal([64, 8], 0, 1, 'float32', 1);
 * const labels = tf.slice(inputs, [0, 0], [64, 1]); // only the first input matters
 * const batches = () => [{ inputs: tf.clone(inputs), labels: tf.clone(labels) }];
 * const data = { size: 64, stepsPerEpoch: 1, batches };
 * const prior = ratePrior({ weight: 0.3 });
 * const run = new Run(model);
 * const running = await run.start(prior, { parameters: '**' });
 * const options = { data, epochs: 150, loss: 'meanSquaredError', learningRate: 0.02 } as const;
 * await train(run, { ...options, schedules: [{ plugin: running }] });
 * await run.quantize(prior.quantizer, '**', undefined, await running.save());
 * running.dispose();
 * const weights = Array.from(run.parameters[0].variable.dataSync());
 * if (weights.filter((w) => w !== 0).length !== 1) throw new Error(weights.join());
 * ```
 */
export function ratePrior(options: RatePriorOptions = {}): RatePrior {
  const resolved = resolve(options);
  return {
    name: owner,
    kinds:
      resolved.pruneFrom === undefined ? ['regularizer', 'forward'] : ['regularizer', 'forward', 'pruner'],
    quantizer: rounding(resolved),
    steers: ownAim(resolved.weight) === undefined,
    check: checkParameters,
    start(run, of, state) {
      checkParameters(run, of);
      if (state === undefined) return first(run, trainedOf(of), resolved);
      const known = knownFrom(state, resolved);
      const parameters = trainedOf(of);
      const tensors = new Tensors(parameters, numbersOf(parameters, known), resolved, run.seed);
      const others = new Map(known.tensors);
      for (const { name } of parameters) others.delete(name);
      return trainRate(run, { ...known, tensors, others }, resolved);
    },
  };
}

/** A session that starts from the weights as they are. */
function first(run: RunState, of: Of, options: Resolved): RateSession | Promise<RateSession> {
  return reading()(
    () => of.map(({ variable }) => tf.mean(tf.abs(variable))),
    (means) => {
      const numbers = means.map(([mean]) => firstNumbers(mean, options.step));
      const tensors = new Tensors(of, numbers, options, run.seed);
      return trainRate(run, { tensors, others: new Map(), examples: options.examples }, options);
    },
  );
}
