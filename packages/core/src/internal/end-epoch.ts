import type * as tf from '@tensorflow/tfjs-core';
import type { Moment } from '../moment.js';
import { readLater } from '../read.js';
import type { RunState } from '../run-state.js';
import type { Binding } from './binding.js';
import { type Bound, within } from './bound.js';
import { countNonzero } from './nonzero.js';

/** What an epoch has come to. */
export interface Ended {
  /** Sums over its steps. */
  readonly loss: number;
  readonly penalty: number;
  /** Weights that are not 0. */
  readonly nonzero: number;
}

/**
 * Brings to JavaScript what an epoch has left on the device, in one read: its loss and penalty, the count of
 * weights, and shared values, which go back to the run. Then it is the plugins' turn.
 *
 * @param at - The moment of the epoch's last step.
 * @param sums - Loss and penalty, added up over the steps.
 */
export async function endEpoch(
  run: RunState,
  bound: readonly Bound[],
  bindings: readonly Binding[],
  at: Moment,
  sums: tf.Tensor,
): Promise<Ended> {
  const settling = bindings.flatMap(({ settle }) => settle ?? []);
  const ended = await readLater(
    () => ({
      sums,
      counts: countNonzero(run.parameters),
      learned: settling.map(({ learned }) => learned),
    }),
    ({ sums: [loss, penalty], counts, learned }) => {
      for (const [i, { take }] of settling.entries()) take(learned[i]);
      return { loss, penalty, nonzero: counts.reduce((a, b) => a + b, 0) };
    },
  );
  for (const { running, time } of bound) {
    if (time.covers(at.epoch)) await running.session.epochEnd?.(within(time, at), readLater);
  }
  return ended;
}
