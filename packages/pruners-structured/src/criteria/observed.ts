import type { Moment, ObservedStep, PluginState } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Structures } from '../structures/structures.js';
import type { Scored, Scorer } from './scorer.js';
import { Tally } from './tally.js';

/** What a step tells about the structures of each set: a number each, `[size]`, to be averaged over steps. */
export interface Observation {
  start(scored: Scored): void;
  /** Within a tidy. */
  of(step: ObservedStep): ReadonlyMap<Structures, tf.Tensor>;
}

/** A scorer by means of an observation over the last `batches` steps before each firing. */
export function observed(observation: Observation, batches: number): Scorer {
  let shapes = new Map<string, readonly number[]>();
  const tally = new Tally(batches);
  return {
    start(scored) {
      observation.start(scored);
      shapes = new Map(scored.sets.map((set) => [set.name, [set.size]]));
      tally.restart();
    },
    observe(step) {
      if (!tally.wants(step.at)) return;
      tally.add([...observation.of(step)].map(([{ name }, values]) => [name, values]));
    },
    fired: (at: Moment) => tally.fired(at),
    look: ({ name }) => (tally.seen === 0 ? undefined : [tally.sum(name)!]),
    scores: (_, [sums]) => Float64Array.from(sums, (sum) => sum / tally.seen),
    save: (read) => tally.save(read),
    load: (state: PluginState) => tally.load(state, shapes),
    dispose: () => tally.restart(),
  };
}
