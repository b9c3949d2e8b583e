import type { Backend } from '@espalier/backend';
import type { Listener } from '../pipeline/listener.js';
import { type Failed, type Performing, perform } from './perform.js';
import type { OutcomeOf, Task } from './task.js';

/** A trial and where it goes. */
export interface Trial<T extends Task> {
  readonly task: T;
  /** The folder that takes what it leaves. */
  readonly out: string;
  /** How people are told of it. */
  readonly name: string;
}

/** Who runs trials: this process, others of this machine, or a fleet. */
export interface Crew {
  /** How many trials may be on their way at once, now. */
  readonly width: number;
  /** How many may be handed over that do not look at each other's results. Default: {@link width}. */
  readonly depth?: number;
  /**
   * Runs a trial; what it leaves is then in its folder.
   *
   * @throws EspalierError what stops all trials; `aborted`
   */
  run<T extends Task>(trial: Trial<T>): Promise<OutcomeOf<T> | Failed>;
  /** Ends what is on its way, and lets go of what is held. */
  close(): Promise<void>;
}

/** Where trials run in this process, and who is told of them. */
export interface InProcess {
  readonly backend: Backend;
  readonly listener: Listener;
  readonly signal?: AbortSignal;
  readonly read?: Performing['read'];
}

/** One trial after another in this process. */
export function inThisProcess({ backend, listener, signal, read }: InProcess): Crew {
  return {
    width: 1,
    run({ task, out, name }) {
      listener.info(name);
      return perform(task, { out, backend, listener, ...(signal && { signal }), ...(read && { read }) });
    },
    async close() {},
  };
}

/**
 * Runs trials that do not depend on each other; what they come to is in the order of the trials.
 *
 * @param each - Told of each as it comes.
 * @throws EspalierError as `Crew.run`; the others are left to end by `close`
 */
export async function runAll<T extends Task>(
  crew: Crew,
  trials: readonly Trial<T>[],
  each: (outcome: OutcomeOf<T> | Failed, trial: Trial<T>) => void = () => {},
): Promise<(OutcomeOf<T> | Failed)[]> {
  const outcomes = new Array<OutcomeOf<T> | Failed>(trials.length);
  let next = 0;
  const hand = async (): Promise<void> => {
    while (next < trials.length) {
      const i = next++;
      outcomes[i] = await crew.run(trials[i]);
      each(outcomes[i], trials[i]);
    }
  };
  const hands = Math.max(1, Math.min(crew.depth ?? crew.width, trials.length));
  await Promise.all(Array.from({ length: hands }, hand));
  return outcomes;
}
