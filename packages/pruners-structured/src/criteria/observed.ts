import type { Moment, ObservedStep, PluginState } from '@espalier/core';
import type { Structures } from '../structures/structures.js';
import type { Scored, Scorer } from './scorer.js';

/** What a step tells about the structures of each set: a number each, to be averaged over steps. */
export interface Observation {
  start(scored: Scored): void;
  of(step: ObservedStep): ReadonlyMap<Structures, ArrayLike<number>>;
}

/** A scorer by means of an observation over the last `batches` steps before each firing. */
export function observed(observation: Observation, batches: number): Scorer {
  let sums = new Map<string, Float64Array>();
  let seen = 0;
  /** The first step that counts for the next firing. */
  let from = Number.POSITIVE_INFINITY;
  return {
    start(scored) {
      observation.start(scored);
      sums = new Map(scored.sets.map((set) => [set.name, new Float64Array(set.size)]));
      seen = 0;
      from = Number.POSITIVE_INFINITY;
    },
    observe(step) {
      if (step.at.step < from) return;
      for (const [{ name }, values] of observation.of(step)) {
        const sum = sums.get(name)!;
        for (let i = 0; i < sum.length; i++) sum[i] += values[i];
      }
      seen++;
    },
    fired(at: Moment) {
      const period = Math.round(at.every * at.stepsPerEpoch);
      from = at.step + Math.max(0, period - batches);
      for (const sum of sums.values()) sum.fill(0);
      seen = 0;
    },
    scores: ({ name }) => (seen === 0 ? undefined : sums.get(name)!.map((sum) => sum / seen)),
    save(): PluginState {
      const json = { seen, from: Number.isFinite(from) ? from : null };
      return { json, arrays: Object.fromEntries([...sums].map(([name, sum]) => [name, sum.slice()])) };
    },
    load({ json, arrays = {} }) {
      const saved = json as { seen: number; from: number | null };
      seen = saved.seen;
      from = saved.from ?? Number.POSITIVE_INFINITY;
      for (const [name, sum] of sums) sum.set(arrays[name] as Float64Array);
    },
  };
}
