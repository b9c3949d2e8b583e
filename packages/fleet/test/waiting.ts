import { setTimeout as sleep } from 'node:timers/promises';
import { type Fleet, type WorkerOptions, workFor } from '../src/index.js';

/** Asks until there is an answer. @throws Error that says what was waited for, after two minutes */
export async function until<T>(what: string, answer: () => Promise<T>): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + 120_000; ; await sleep(50)) {
    const found = await answer();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
  }
}

/** A worker that is there until something has come: no test depends on how long it waits by itself. */
export async function working<T>(fleet: Fleet, options: WorkerOptions, what: Promise<T>): Promise<T> {
  const drain = new AbortController();
  const work = workFor(fleet, { ...options, drain: drain.signal });
  const left = work.then(() => {
    throw new Error('The worker has left');
  });
  try {
    return await Promise.race([what, left]);
  } finally {
    left.catch(() => {});
    drain.abort();
    await work;
  }
}

/** Until a signal is given, be it already. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) return done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
