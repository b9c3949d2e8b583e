import type * as tf from '@tensorflow/tfjs-core';
import type { Batch, Data } from '../data.js';
import { EspalierError } from '../errors.js';
import type { Moment } from '../moment.js';
import type { Of } from '../plugin.js';
import { readLater } from '../read.js';
import type { RunState } from '../run-state.js';
import type { TrainOptions } from '../train-options.js';
import type { Bindings } from './bindings.js';
import { type Bound, onlyPrunes } from './bound.js';
import { checkLabels, lookForFault } from './check-labels.js';
import { differentiable } from './differentiable.js';
import { disposeBatch } from './dispose-batch.js';
import type { Replaying } from './replaying.js';
import type { StepParts } from './step.js';

const yieldEvery = 100; // milliseconds between two turns of the event loop
const checkEvery = 50; // steps between two looks at the loss

/** The next turn of the event loop; in Node without the millisecond that a timer waits at least. */
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });

/** What the steps of an epoch work with. */
export interface EpochParts extends StepParts {
  readonly run: RunState;
  readonly bindings: Bindings;
  readonly options: TrainOptions;
  readonly replaying: Replaying;
  /** A step's moment as the stage counts. */
  momentOf(step: number): Moment;
  /** Sets what changes from step to step: learning rates, the seeds of dropout. */
  prepare(step: number): void;
}

/** What the steps of an epoch have come to. */
export interface Taken {
  /** Loss and penalty, added up over the steps: a vector of two, as it is until the next epoch. */
  readonly sums: tf.Tensor;
  /** Seconds in which batches were waited for. */
  readonly wait: number;
}

/**
 * Takes the steps of an epoch.
 *
 * @throws EspalierError `aborted` (signal), `not-finite` (loss is NaN or infinite), `invalid-option` (another number
 *   of batches than the data promised)
 */
export async function takeEpoch(parts: EpochParts, epoch: number): Promise<Taken> {
  const { data, signal, onStep } = parts.options;
  const { stepsPerEpoch } = data;
  const { replaying } = parts;
  let breath = performance.now();
  let steps = 0;
  const waiting = { ms: 0 };
  replaying.begin(parts.bound);
  for await (const batch of timed(data.batches(epoch), waiting)) {
    if (signal?.aborted) {
      disposeBatch(batch);
      throw new EspalierError('aborted', 'Training was stopped.');
    }
    await stepWith(parts, batch, epoch * stepsPerEpoch + steps);
    steps++;
    if (steps % checkEvery === 0 || steps === stepsPerEpoch) {
      const [loss] = await replaying.sums.data();
      if (!Number.isFinite(loss)) {
        const found = await lookForFault(parts.model, parts.loss, data, epoch, steps);
        throw notFinite(loss, epoch, steps, found);
      }
      onStep?.({ epoch, step: steps, steps: stepsPerEpoch, loss: loss / steps });
    }
    if (performance.now() - breath > yieldEvery) {
      await nextTurn();
      breath = performance.now();
    }
  }
  if (steps === stepsPerEpoch) return { sums: replaying.sums, wait: waiting.ms / 1000 };
  throw new EspalierError(
    'invalid-option',
    `The data gave ${steps} batches in epoch ${epoch}, but its stepsPerEpoch is ${stepsPerEpoch}.`,
  );
}

/** Batches, and the milliseconds that their maker takes or lets one wait. */
async function* timed(batches: ReturnType<Data['batches']>, waiting: { ms: number }): AsyncGenerator<Batch> {
  let asked = performance.now();
  for await (const batch of batches) {
    waiting.ms += performance.now() - asked;
    yield batch;
    asked = performance.now();
  }
  waiting.ms += performance.now() - asked;
}

/** Lets the plugins fire that are due, then takes the step. Disposes the batch. */
async function stepWith(parts: EpochParts, batch: Batch, step: number): Promise<void> {
  const { stepsPerEpoch } = parts.options.data;
  try {
    for (const bound of parts.bound) {
      const fired = fire(bound, step, stepsPerEpoch);
      if (fired === undefined) continue;
      const other = parts.bindings.rebind(await fired);
      parts.replaying.changed(other || !onlyPrunes(bound) ? 'step' : 'values');
    }
    if (step === 0) await checkLabels(parts.model, parts.loss, batch);
    parts.prepare(step);
    differentiable(() => parts.replaying.take(parts, batch, parts.momentOf(step)));
  } finally {
    disposeBatch(batch);
  }
}

/**
 * Fires a schedule's plugin if it is due before a step, and ends dense copies when the schedule ends. Returns the
 * parameters that are trained differently from now on; undefined where nothing happens.
 */
function fire({ running, time }: Bound, step: number, stepsPerEpoch: number): Of | Promise<Of> | undefined {
  const at = time.at(step);
  if (at !== undefined) return running.fire(at, readLater);
  return step === time.end * stepsPerEpoch ? running.settle() : undefined;
}

function notFinite(loss: number, epoch: number, step: number, found: string | undefined): EspalierError {
  return new EspalierError('not-finite', `The loss is ${loss} in epoch ${epoch}, by step ${step}.`, {
    remedy: found ?? 'Lower the learning rate, or look for values in the data that are not finite.',
  });
}
