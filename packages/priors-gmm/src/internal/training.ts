import {
  type KnownPenalty,
  listed,
  type Moment,
  type Of,
  type PluginState,
  perStep,
  type Read,
  type RunState,
  readNow,
  type Step,
  untaped,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Resolved } from '../options.js';
import type { MixtureSession } from '../session.js';
import { TauSchedule } from '../tau.js';
import { type Mixtures, weightsOf } from './mixtures.js';
import { zerosPruned } from './pruning.js';
import { stateOf } from './state.js';

/** What a step leaves for the next, on the device until it is read. */
interface Live {
  readonly tau: tf.Scalar;
  readonly zeros: tf.Scalar;
}

/** A session that trains mixtures with the weights; it owns the groups. */
export function trainMixtures(run: RunState, of: Of, mixtures: Mixtures, options: Resolved): MixtureSession {
  const { groups, album } = mixtures;
  let { examples, zeros } = mixtures;
  const schedule = new TauSchedule(options.tau, mixtures.tau);
  const wanted = new Set(of.map(({ name }) => name));
  const trained = groups.flatMap((group) => {
    const parameters = group.parameters.filter(({ name }) => wanted.has(name));
    return parameters.length === 0 ? [] : [{ group, parameters }];
  });
  let live: Live | undefined;

  const forget = (): void => {
    if (live !== undefined) tf.dispose([live.tau, live.zeros]);
    live = undefined;
  };

  /** Brings to JavaScript what the last step left on the device. */
  const settle = (read: Read): void | Promise<void> => {
    if (live === undefined) return;
    return read(
      () => ({ ...(live as Live) }),
      (seen) => {
        if (schedule.follows) schedule.present = seen.tau[0];
        zeros = seen.zeros[0];
        forget();
      },
    );
  };

  const { pruneFrom, frames } = options;
  return {
    get tau() {
      void settle(readNow);
      return schedule.present;
    },

    get zeros() {
      void settle(readNow);
      return zeros;
    },

    mixtures: () =>
      readNow(
        () => groups.map(({ variables }) => variables),
        (seen) => new Map(groups.map((group, i) => [group.name, group.mixtureOf(seen[i])])),
      ),

    trainables: () => trained.flatMap(({ group }) => group.trainables()),

    penalty({ at, labels }: Step): KnownPenalty {
      examples ??= at.stepsPerEpoch * listed(labels)[0].shape[0];
      const tau =
        live !== undefined && schedule.follows
          ? schedule.grown(at, live.tau, live.zeros)
          : (perStep(() => Float32Array.of(schedule.next(at, zeros))) as tf.Scalar);
      const scale = tf.div(tau, examples) as tf.Scalar;
      const steps = untaped(() => trained.map(({ group, parameters }) => group.step(run, parameters, scale)));
      const weights = steps.reduce((sum, step) => sum + step.weights, 0);
      const found = steps.map((step) => step.zeros).reduce((a, b) => tf.add(a, b));
      forget();
      live = { tau: tf.keep(tau), zeros: tf.keep(tf.div(found, weights)) as tf.Scalar };
      return {
        value: steps.map(({ value }) => value).reduce((a, b) => tf.add(a, b)),
        gradients: new Map(steps.flatMap(({ gradients }) => [...gradients])),
      };
    },

    async epochEnd(_at: Moment, read: Read = readNow): Promise<void> {
      await settle(read);
      if (!frames) return;
      const whole = trained.filter(({ group, parameters }) => parameters.length === group.parameters.length);
      await read(
        () => whole.map(({ group }) => ({ numbers: group.variables, weights: weightsOf(group.parameters) })),
        (seen) => {
          for (const [i, { group }] of whole.entries())
            album.epoch(group.name, seen[i].weights, group.mixtureOf(seen[i].numbers));
        },
      );
    },

    figures: () => album.figures(),

    save: (read: Read = readNow): PluginState | Promise<PluginState> =>
      read(
        () => ({ numbers: groups.map(({ variables }) => variables), live: live && { ...live } }),
        (seen) =>
          stateOf({
            groups: groups.map(({ name, parameters }, i) => ({
              name,
              parameters: parameters.map((parameter) => parameter.name),
              numbers: seen.numbers[i],
            })),
            tau: (schedule.follows ? seen.live?.tau[0] : undefined) ?? schedule.present,
            zeros: seen.live?.zeros[0] ?? zeros,
            examples,
            album,
          }),
      ),

    dispose() {
      for (const group of groups) group.dispose();
      forget();
    },

    ...(pruneFrom !== undefined && { masks: zerosPruned(run, of, groups, pruneFrom) }),
  };
}
