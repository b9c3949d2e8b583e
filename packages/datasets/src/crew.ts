import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { DatasetError } from './errors.js';

/** What workers can do. */
export type CrewTask = 'resize' | 'alter';

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** A worker, and the tasks that it has been given. */
interface Hand {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

const failed = (why: string): DatasetError =>
  new DatasetError('worker', `A worker that prepares pictures has failed: ${why}.`, {
    remedy: why.includes('ENOSPC')
      ? 'The pictures are kept in a file, for they do not fit into memory: make room on the disk, or ask for a smaller size.'
      : 'Ask for smaller pictures or batches, or make room in memory.',
  });

function start(crew: Hand[]): Hand {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  const hand: Hand = { worker, waiting: new Map() };
  worker.on('message', ({ id, result, error }: Answer) => {
    const one = hand.waiting.get(id);
    hand.waiting.delete(id);
    // A process is not kept from ending by workers that wait.
    if (hand.waiting.size === 0) worker.unref();
    if (error === undefined) one?.resolve(result as never);
    else one?.reject(failed(error));
  });
  const gone = (why: string): void => {
    if (crew.includes(hand)) crew.splice(crew.indexOf(hand), 1);
    for (const { reject } of hand.waiting.values()) reject(failed(why));
    hand.waiting.clear();
  };
  worker.on('error', ({ message }) => gone(message));
  worker.on('exit', (code) => gone(`it ended with ${code}`));
  crew.push(hand);
  return hand;
}

/** Threads that prepare pictures: they are started when there is work, and stay for more. */
export class Crew {
  readonly size: number;
  readonly #hands: Hand[] = [];
  #last = 0;

  constructor(size: number) {
    this.size = size;
  }

  /**
   * Hands a task to the worker that has the fewest; each does its own in their order.
   *
   * @param transfer - Buffers that are gone here afterwards.
   * @throws DatasetError `worker` where it fails
   */
  do<Result>(task: CrewTask, given: unknown, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    const least = this.#hands.reduce<Hand | undefined>(
      (a, b) => (a === undefined || b.waiting.size < a.waiting.size ? b : a),
      undefined,
    );
    const idle = least?.waiting.size === 0;
    const hand = idle || this.#hands.length >= this.size ? (least as Hand) : start(this.#hands);
    const id = this.#last++;
    return new Promise<Result>((resolve, reject) => {
      hand.waiting.set(id, { resolve, reject });
      hand.worker.ref();
      hand.worker.postMessage({ id, task, given }, transfer);
    });
  }
}

const crews = new Map<number, Crew>();

/** One crew of each size for all sources. Default: a worker less than there are cores, at most 8. */
export function crewOf(size: number = Math.max(1, Math.min(8, availableParallelism() - 1))): Crew {
  const crew = crews.get(size) ?? new Crew(size);
  crews.set(size, crew);
  return crew;
}
