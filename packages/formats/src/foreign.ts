import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EspalierError } from '@espalier/core';

/** What a parser may take before its worker is ended. */
export interface ForeignLimits {
  /** Seconds of the processor. Default: 5, and one more for every 10 MB. */
  readonly seconds?: number;
  /** Bytes of memory beyond what the process had. Default: 2 GiB, and eight times the file. */
  readonly memory?: number;
}

/** Parsers that are not ours. */
export type ForeignTask = 'hdf5' | 'png' | 'jpeg' | 'webp' | 'gif' | 'bmp';

interface Answer<Result> {
  readonly result?: Result;
  readonly error?: string;
  readonly code?: string;
  /** The library must not be used again. */
  readonly broken?: boolean;
  /** Bytes that the library keeps. */
  readonly heap?: number;
}

/** A worker, and what it is at. */
interface Bench {
  readonly worker: Worker;
  /** Receives the answer to the file that it has. */
  answer: (answer: Answer<unknown>) => void;
}

/** Files that are read one after the other, by one worker. */
interface Lane {
  /** The worker of the file before: starting one takes longer than most files. */
  idle: Bench | undefined;
  last: Promise<unknown>;
  /** Files that are read or wait. */
  files: number;
}

/** The first is for whatever there is, all are for pictures. */
const lanes: readonly Lane[] = Array.from(
  { length: Math.max(1, Math.min(4, availableParallelism() - 1)) },
  () => ({ idle: undefined, last: Promise.resolve(), files: 0 }),
);
/** Workers that read at this moment. */
let atWork = 0;

/** A library that keeps more is not kept. */
const mostKept = 64 * 2 ** 20;

/** How often is looked, in ms; a limit is passed when it was seen to be so this often. */
const [every, times] = [100, 3];

function start(): Bench {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  const bench: Bench = { worker, answer: () => {} };
  worker.on('message', (answer: Answer<unknown>) => bench.answer(answer));
  worker.on('error', (cause: NodeJS.ErrnoException) => {
    const large = cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
    bench.answer({
      code: large ? 'too-much' : 'broken',
      error: large ? 'reading it took more than 1 GiB' : cause.message,
    });
  });
  worker.on('exit', (code) => bench.answer({ code: 'broken', error: `the parser ended with ${code}` }));
  return bench;
}

/**
 * Runs somebody else's parser on a file, in a worker that is ended when it takes too long or too much memory. Pictures that are
 * given at once are read by several workers, which share what they may take.
 *
 * @param bytes - Handed over to the worker: gone afterwards.
 * @throws EspalierError `too-much` where it was ended; else with the parser's own code, `damaged` by default
 */
export function foreign<Result>(
  task: ForeignTask,
  bytes: Uint8Array<ArrayBuffer>,
  limits: ForeignLimits = {},
): Promise<Result> {
  const lane = task === 'hdf5' ? lanes[0] : lanes.reduce((a, b) => (b.files < a.files ? b : a));
  lane.files++;
  const turn = lane.last
    .then(() => runOne<Result>(lane, task, bytes, limits))
    .finally(() => {
      lane.files--;
    });
  lane.last = turn.catch(() => undefined);
  return turn;
}

function runOne<Result>(
  lane: Lane,
  task: ForeignTask,
  bytes: Uint8Array<ArrayBuffer>,
  { seconds = 5 + bytes.length / 1e7, memory = 2 ** 31 + 8 * bytes.length }: ForeignLimits,
): Promise<Result> {
  const bench = lane.idle ?? start();
  lane.idle = undefined;
  bench.worker.ref();
  atWork++;
  const cpu = process.cpuUsage();
  const before = process.memoryUsage.rss();
  return new Promise<Result>((resolve, reject) => {
    let passed = 0;
    let workers = atWork;
    const timer = setInterval(() => {
      const { user, system } = process.cpuUsage(cpu);
      workers = Math.max(workers, atWork);
      const slow = user + system > workers * seconds * 1e6;
      const large = process.memoryUsage.rss() - before > workers * memory;
      passed = slow || large ? passed + 1 : 0;
      if (passed < times) return;
      const most = slow ? `${Math.ceil(seconds)} s` : `${Math.ceil(memory / 2 ** 20)} MiB`;
      bench.answer({ code: 'too-much', error: `reading it took more than ${most}` });
    }, every);
    bench.answer = ({ result, error, code = 'damaged', broken = code !== 'damaged', heap = 0 }) => {
      clearInterval(timer);
      atWork--;
      bench.answer = () => {};
      if (broken || heap > mostKept) void bench.worker.terminate();
      else {
        bench.worker.unref();
        lane.idle = bench;
      }
      if (error === undefined) resolve(result as Result);
      else reject(new EspalierError(code, error));
    };
    bench.worker.postMessage({ task, bytes }, [bytes.buffer]);
  });
}
