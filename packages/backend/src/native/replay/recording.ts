import type * as tf from '@tensorflow/tfjs-core';
import { type NativeBackend, nativeBackend } from '../ops.js';
import { match } from './match.js';
import { Replay } from './replay.js';
import { type Trace, trace } from './trace.js';

/** Fits `StepRecording` of `@espalier/core`. */
export interface NativeRecording {
  take(inputs: readonly tf.Tensor[], step: () => string | undefined): void;
  /** The next step may be another one than those before, or (`values`) the same one that works with other values. */
  doubt(of?: 'step' | 'values'): void;
  readonly reason: string | undefined;
  readonly replayed: number;
  dispose(): void;
}

const warmUp = 1; // Steps before the first that is traced: they make what later ones find.
const enough = 10; // Replays that are worth another recording.

/** Records steps that are alike; fits `StepRecorder` of `@espalier/core`. */
export interface NativeRecorder {
  start(): NativeRecording;
}

/** Steps that are recorded and replayed by the addon; undefined where it cannot. */
export function nativeRecorder(): NativeRecorder | undefined {
  const backend = nativeBackend();
  if (backend.binding.createProgram === undefined || backend.isUsingGpuDevice) return undefined;
  const count = { steps: 0 };
  return { start: () => new Recording(backend, count) };
}

/**
 * Steps of training with inputs of the same shapes. The first is taken as it is, the next two are traced: where they ask the
 * same of the addon, that is a program, which is run once on what the last step found and has to come to the bits that it left.
 * From then on the program is run in its place, until something that it works on was changed by somebody else. Where that
 * may be (`doubt`), one more step is taken as it is and traced: is it the program's, the program goes on.
 */
class Recording implements NativeRecording {
  #steps = 0;
  #before: { trace: Trace; inputs: readonly number[]; step: number } | undefined;
  #ready: Replay | undefined;
  #reason: string | undefined;
  #replayed = 0;
  #since = 0;
  #doubted = false;

  /** @param count - Of the steps of all recordings: two that are compared follow each other. */
  constructor(
    private readonly backend: NativeBackend,
    private readonly count: { steps: number },
  ) {}

  get reason(): string | undefined {
    return this.#reason;
  }

  get replayed(): number {
    return this.#replayed;
  }

  doubt(of: 'step' | 'values' = 'step'): void {
    if (this.#ready !== undefined) this.#doubted ||= of === 'step';
    else {
      this.#reason = undefined;
      this.#before = undefined;
      this.#steps = 0;
    }
  }

  take(inputs: readonly tf.Tensor[], step: () => string | undefined): void {
    this.count.steps++;
    if (this.#doubted) {
      this.#doubted = false;
      if (!this.#ready!.again(inputs, step)) this.#startAnew(warmUp); // This one has made what later ones find.
      return;
    }
    const outcome = this.#ready?.run(inputs);
    if (outcome === 'taken') {
      this.#replayed++;
      this.#since++;
      return;
    }
    if (outcome === 'shared') {
      step(); // Somebody keeps a copy of a weight: what is written anew is then in a place of its own.
      return;
    }
    if (outcome === 'changed') {
      if (this.#since < enough) this.#reason = 'what it works on is changed between steps';
      this.#startAnew(0);
    }
    if (this.#reason !== undefined || this.#steps++ < warmUp) step();
    else this.#trace(inputs, step);
  }

  #startAnew(steps: number): void {
    this.#since = 0;
    this.#steps = steps;
    this.#ready?.dispose();
    this.#ready = undefined;
  }

  #trace(inputs: readonly tf.Tensor[], step: () => string | undefined): void {
    const ids = this.backend.getInputTensorIds(inputs);
    const now = trace(this.backend, step);
    const { steps } = this.count;
    const before = this.#before?.step === steps - 1 ? this.#before : undefined;
    this.#before = undefined;
    if (before === undefined) {
      now.forget();
      if (now.reason === undefined) this.#before = { trace: now, inputs: ids, step: steps };
      else this.#reason = now.reason;
      return;
    }
    try {
      const matched = match(this.backend, before.trace, now, [before.inputs, ids]);
      if (typeof matched === 'string') this.#reason = matched;
      else {
        const replay = new Replay(this.backend, now, matched, inputs);
        const wrong = replay.compare(ids);
        if (wrong === undefined) this.#ready = replay;
        else {
          this.#reason = wrong;
          replay.dispose();
        }
      }
    } finally {
      now.forget();
    }
  }

  dispose(): void {
    this.#ready?.dispose();
    this.#ready = undefined;
  }
}
