import { availableParallelism } from 'node:os';
import { type BackendTrial, timeSteps } from '../auto.js';
import type { Started } from '../backend.js';
import { nativeBackend } from './ops.js';

/** So much less time a step has to take for more threads. */
const worthIt = 0.9;
/** Beyond this both are measured once more. */
const clear = 0.3;

/** Who computes, with how many threads, and why so many. */
export interface Threaded {
  readonly backend: Started;
  readonly why?: string;
}

/** Sets the threads of native TensorFlow, where the addon was compiled by us. */
function withThreads(backend: Started, threads: number): Started {
  if (threads !== backend.threads) nativeBackend().binding.setThreads!(threads);
  return { ...backend, threads };
}

/**
 * As many threads as make a step of the trial fastest: one, then twice as many up to the cores there are, while a step takes
 * less than nine tenths of the time. What the environment says (`TF_NUM_INTRAOP_THREADS`) is left as it is, and so is a
 * trial that fails: who trains will find out why.
 */
async function measured(started: Started, trial: BackendTrial): Promise<Threaded> {
  const cores = availableParallelism();
  if (process.env.TF_NUM_INTRAOP_THREADS || cores === 1) return { backend: started };
  let now = started;
  const time = async (threads: number): Promise<number> => {
    now = withThreads(now, threads);
    return (await timeSteps(now, trial)).milliseconds;
  };
  const figure = (milliseconds: number): string => String(Number(milliseconds.toPrecision(2)));
  try {
    let best = { threads: 1, milliseconds: await time(1) };
    let why = '';
    for (let threads = 2; ; threads = Math.min(2 * threads, cores)) {
      let milliseconds = await time(threads);
      if (Math.abs(milliseconds / best.milliseconds - 1) < clear) {
        best = { ...best, milliseconds: Math.min(best.milliseconds, await time(best.threads)) };
        milliseconds = Math.min(milliseconds, await time(threads));
      }
      why = `a step takes ${figure(best.milliseconds)} ms with ${best.threads}, ${figure(milliseconds)} with ${threads}`;
      if (milliseconds >= worthIt * best.milliseconds) break;
      best = { threads, milliseconds };
      if (threads === cores) break;
    }
    return { backend: withThreads(now, best.threads), why };
  } catch {
    return { backend: withThreads(now, started.threads) };
  }
}

/** @param threads - How many, or that they be measured by the trial, where there is one. */
export async function chooseThreads(
  started: Started,
  threads: number | 'measured' | undefined,
  trial: BackendTrial | undefined,
): Promise<Threaded> {
  if (started.name !== 'native' || threads === undefined) return { backend: started };
  if (nativeBackend().binding.setThreads === undefined) {
    if (threads === 'measured' || threads === started.threads) return { backend: started };
    return { backend: started, why: 'this addon keeps the number of threads it began with' };
  }
  if (threads !== 'measured') return { backend: withThreads(started, threads) };
  return trial === undefined ? { backend: started } : measured(started, trial);
}
