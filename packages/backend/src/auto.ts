import * as tf from '@tensorflow/tfjs-core';
import type { Started } from './backend.js';

/**
 * Sets up a short training of the caller's model on the backend that is the current one, and returns a function that
 * makes one step and waits until it is done.
 */
export type BackendTrial = (backend: Started) => Promise<TrialSteps>;

/** One step at a time, and the end of it. */
export interface TrialSteps {
  step(): Promise<unknown>;
  dispose(): void;
}

/** Milliseconds a step took. */
export interface Timed {
  readonly backend: Started;
  readonly milliseconds: number;
}

const warmUp = 3; // The first steps compile.
const enough = { steps: 15, milliseconds: 400 };

/** The middle of the times of a few steps on a backend, which is the current one afterwards. */
export async function timeSteps(backend: Started, trial: BackendTrial): Promise<Timed> {
  await tf.setBackend(backend.tfjsName);
  const { step, dispose } = await trial(backend);
  try {
    for (let i = 0; i < warmUp; i++) await step();
    const times: number[] = [];
    const began = performance.now();
    do {
      const start = performance.now();
      await step();
      times.push(performance.now() - start);
    } while (times.length < enough.steps && performance.now() - began < enough.milliseconds);
    return { backend, milliseconds: times.sort((a, b) => a - b)[times.length >> 1] };
  } finally {
    dispose();
  }
}

/** The faster of the two, and why, with the figures. Of equals the CPU: it has less to go wrong. */
export function faster(cpu: Timed, gpu: Timed): { backend: Started; why: string } {
  const [first, second] = gpu.milliseconds < cpu.milliseconds ? [gpu, cpu] : [cpu, gpu];
  const figure = ({ milliseconds, backend }: Timed): string =>
    `${milliseconds.toPrecision(2)} ms on ${backend.name}`;
  return {
    backend: first.backend,
    why: `the fastest for this model: a step takes ${figure(first)}, ${figure(second)}`,
  };
}
