import type { Moment, ObservedStep } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Structures } from '../structures/structures.js';
import type { Scored, Scorer } from './scorer.js';
import { Tally } from './tally.js';

/**
 * What a step tells about the structures of each set: a number each, `[size]`, to be averaged over steps. It is made
 * for the sets of a pruner, and called within a tidy.
 */
export type Observation = (scored: Scored) => (step: ObservedStep) => ReadonlyMap<Structures, tf.Tensor>;

/** A scorer by means of an observation over the last `batches` steps before each firing. */
export function observed(observation: Observation, batches: number): Scorer {
  return {
    observes: true,
    start(scored, state) {
      const { owner, sets } = scored;
      const of = observation(scored);
      const tally = new Tally(owner, batches, new Map(sets.map(({ name, size }) => [name, [size]])), state);
      return {
        observe(step) {
          if (tally.wants(step.at)) tally.add([...of(step)].map(([{ name }, values]) => [name, values]));
        },
        fired: (at: Moment) => tally.fired(at),
        look: ({ name }) => (tally.seen === 0 ? undefined : [tally.sum(name)!]),
        scores: (_, [sums]) => Float64Array.from(sums, (sum) => sum / tally.seen),
        save: (read) => tally.save(read),
        dispose: () => tally.restart(),
      };
    },
  };
}
