import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../data.js';
import type { Moment } from '../moment.js';
import type { StepRecorder, StepRecording } from '../step-recorder.js';
import { type Bound, onlyPrunes } from './bound.js';
import { LiveMoment } from './live-moment.js';
import { type StepParts, takeStep } from './step.js';
import { tensorsOf } from './tensors-of.js';

/**
 * The steps of a stage, replayed where the backend can and a step is like the one before. Steps are alike while the batch has
 * the same shapes, the same schedules are active and nothing has fired.
 */
export class Replaying {
  /** Loss and penalty, added up over the steps since `begin`. */
  readonly sums: tf.Variable = tf.tidy(() => tf.variable(tf.zeros([2]), false));
  readonly #moment = new LiveMoment();
  readonly #recordings = new Map<string, StepRecording>();
  readonly #told = new Set<string>();

  constructor(
    private readonly recorder: StepRecorder | undefined,
    private readonly log: (reason: string) => void = () => undefined,
  ) {}

  /** Begins an epoch. What plugins do at its end may change what they do in steps. */
  begin(bound: readonly Bound[]): void {
    tf.tidy(() => this.sums.assign(tf.zeros([2])));
    if (!bound.every(onlyPrunes)) this.changed();
  }

  /** The next step may be another one than those that are recorded, or work with other values of masks. */
  changed(what: 'step' | 'values' = 'step'): void {
    for (const recording of this.#recordings.values()) recording.doubt(what);
  }

  /** Takes a step and adds its loss and penalty to the sums. */
  take(parts: StepParts, batch: Batch, at: Moment): void {
    this.#moment.now = at;
    const step = (): string | undefined => {
      tf.tidy(() => {
        const taken = takeStep(parts, batch, this.#moment.at);
        this.sums.assign(tf.add(this.sums, tf.stack(taken)));
      });
      return this.#moment.looked ? 'a plugin looks at the number of the step' : undefined;
    };
    if (this.recorder === undefined) {
      step();
      return;
    }
    const inputs = tensorsOf(batch);
    const recording = this.#recordingFor(this.recorder, inputs, parts.bound, at);
    recording.take(inputs, step);
    const { reason } = recording;
    if (reason === undefined || this.#told.has(reason)) return;
    this.#told.add(reason);
    this.log(reason);
  }

  #recordingFor(
    recorder: StepRecorder,
    inputs: readonly tf.Tensor[],
    bound: readonly Bound[],
    at: Moment,
  ): StepRecording {
    const active = bound.map(({ time }) => time.covers(at.epoch));
    const key = `${inputs.map(({ shape, dtype }) => `${dtype} ${shape}`).join(';')} ${active}`;
    let recording = this.#recordings.get(key);
    if (recording === undefined) {
      recording = recorder.start();
      this.#recordings.set(key, recording);
    }
    return recording;
  }

  dispose(): void {
    for (const recording of this.#recordings.values()) recording.dispose();
    this.sums.dispose();
  }
}
