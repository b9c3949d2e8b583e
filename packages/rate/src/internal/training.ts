import {
  hash,
  type KnownPenalty,
  listed,
  type Moment,
  type PluginState,
  type PrunerSession,
  perStep,
  type Read,
  type RunState,
  readNow,
  type Step,
  untaped,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import type { RateReading, RateSession } from '../session.js';
import { Weight } from '../weight.js';
import { keys, levelOf, type RateNumbers, stepFrom } from './numbers.js';
import { readingOf } from './readings.js';
import { passAtLevels, putAtLevels } from './rounding.js';
import { stateOf } from './state.js';
import type { Tensors } from './tensors.js';

/** What a session starts from. */
export interface Start {
  readonly tensors: Tensors;
  readonly examples: number | undefined;
  /** λ of the session before, and the size from which it was steered. */
  readonly weight?: number;
  readonly first?: number | undefined;
  /** What was learned of tensors that are not trained now. */
  readonly others: ReadonlyMap<string, RateNumbers>;
}

/** A session that trains weights for their rate; it owns the tensors. */
export function trainRate(run: RunState, start: Start, options: Resolved): RateSession {
  const { tensors, others } = start;
  const { parameters, variables } = tensors;
  let { examples } = start;
  const weight = new Weight(options.weight, start);

  /** All that there is to read, and what it says. */
  const look = (): { weights: tf.Tensor[]; numbers: tf.Tensor[] } => ({
    weights: parameters.map(({ variable }) => variable),
    numbers: [...variables],
  });
  const numbersIn = (seen: readonly Float32Array[]): RateNumbers[] =>
    parameters.map(
      (_, i) => Object.fromEntries(keys.map((key, k) => [key, seen[k][i]])) as unknown as RateNumbers,
    );
  const readingsIn = (seen: {
    weights: readonly Float32Array[];
    numbers: readonly Float32Array[];
  }): RateReading[] => {
    const numbers = numbersIn(seen.numbers);
    return parameters.map((parameter, i) => readingOf(parameter, seen.weights[i], numbers[i]));
  };

  /** What is another one at every step: what a bit costs of the loss, and by how much the noise is turned. */
  const numbersAt = (at: Moment, all: number): Float32Array => {
    tensors.slowDown(at);
    return Float32Array.of(weight.at(at) / all, hash(run.seed, at.step, 0x6e6f) / 2 ** 32);
  };

  return {
    get weight() {
      return weight.present;
    },

    trainables: () => tensors.trainables(),

    forward: (_at: Moment, pass) => passAtLevels(parameters, variables[0], pass),

    asMeasured: () => putAtLevels(parameters, variables[0]),

    penalty({ at, labels }: Step): KnownPenalty {
      examples ??= at.stepsPerEpoch * listed(labels)[0].shape[0];
      const all = examples;
      return untaped(() => {
        const [factor, turn] = tf.unstack(perStep(() => numbersAt(at, all), [2])) as tf.Scalar[];
        const { bits, gradients } = tensors.rate(run, turn);
        return {
          value: tf.mul(tf.sum(bits), factor) as tf.Scalar,
          gradients: new Map(gradients.map(([variable, slope]) => [variable, tf.mul(slope, factor)])),
        };
      });
    },

    epochEnd(at: Moment, read: Read = readNow): void | Promise<void> {
      const { bytes } = weight;
      tensors.settle(at);
      if (bytes === undefined) return;
      return read(look, (seen) => {
        weight.steer(
          readingsIn(seen).reduce((sum, { bits }) => sum + bits / 8, 0),
          bytes,
        );
      });
    },

    ...(weight.bytes === undefined && { steer: (size: number, aim: number) => weight.steer(size, aim) }),

    readings: () => readNow(look, readingsIn),

    save: (read: Read = readNow): PluginState | Promise<PluginState> =>
      read(
        () => [...variables] as tf.Tensor[],
        (seen) => {
          const numbers = numbersIn(seen);
          const now = parameters.map(({ name }, i) => [name, numbers[i]] as const);
          const { present, first } = weight;
          return stateOf({ tensors: new Map([...others, ...now]), weight: present, first, examples });
        },
      ),

    dispose: () => tensors.dispose(),

    ...(options.pruneFrom !== undefined && { masks: zerosPruned(run, tensors, options.pruneFrom) }),
  };
}

/** Prunes what is at level 0, from a part of the stage on. */
function zerosPruned(
  run: RunState,
  { parameters, variables }: Tensors,
  pruneFrom: number,
): PrunerSession['masks'] {
  return (at, read = readNow) => {
    const done = (at.epoch - at.start) / (at.end - at.start);
    if (done < pruneFrom) return new Map();
    return read(
      () => ({
        weights: parameters.map(({ variable }) => variable as tf.Tensor),
        masks: parameters.map((parameter) => run.mask(parameter)),
        logSteps: variables[0] as tf.Tensor,
      }),
      ({ weights, masks, logSteps }) =>
        new Map(
          parameters.map((parameter, i) => {
            const step = stepFrom({ logStep: logSteps[i] } as RateNumbers);
            const kept = weights[i].map((w, k) => (masks[i]?.[k] === 0 || levelOf(w, step) === 0 ? 0 : 1));
            return [parameter, tf.tensor(kept, parameter.shape as number[], 'float32')];
          }),
        ),
    );
  };
}
