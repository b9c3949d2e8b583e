import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { type EpochMetrics, EspalierError } from '@espalier/core';
import type { Listener } from '../pipeline/listener.js';
import { broughtFrom } from '../resolve-package.js';
import type { Crew, Trial } from './crew.js';
import { errorOf, type Order, type Word } from './messages.js';
import type { Failed } from './perform.js';
import type { OutcomeOf, Task } from './task.js';

/** Where the program of such a process is: a file of the build. */
const program = (): string =>
  join(
    dirname(createRequire(import.meta.url).resolve('@espalier/runner/package.json')),
    'dist/trial-process.js',
  );

/** How a process that runs trials is started. */
export interface HandOptions {
  readonly backend: string;
  /** Threads that TensorFlow computes with. Default: all cores; what the environment says goes before. */
  readonly threads?: number;
}

/** What is told of a trial on its way. */
export interface Heard {
  info?(line: string): void;
  epoch?(metrics: EpochMetrics & { readonly stage: string }): void;
}

/** Last words on stderr of a process that ends without any others, so many characters. */
const lastWords = 2000;

/** A process that runs trials, one at a time. */
export class Hand {
  /** What computes: `native`, `webgpu`, … */
  backend = '';
  readonly #child: ChildProcess;
  #said = '';
  #gone: string | undefined;
  #hear: (word: Word) => void = () => {};

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on('data', (chunk) => {
      this.#said = (this.#said + String(chunk)).slice(-lastWords);
    });
    child.on('message', (word: Word) => this.#hear(word));
  }

  /** @throws EspalierError what keeps the backend from starting */
  static async start({ backend, threads }: HandOptions): Promise<Hand> {
    const each = threads === undefined ? {} : threadsOf(threads);
    const child = fork(program(), [backend, broughtFrom() ?? ''], {
      // What TensorFlow writes on stdout is no answer of the command.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: { ...each, ...process.env },
      execArgv: [],
    });
    const hand = new Hand(child);
    hand.backend = await hand.#answer((word) => ('ready' in word ? word.backend : undefined));
    return hand;
  }

  /** @throws EspalierError what the trial threw; `worker-lost` when the process ended, whatever ended it */
  async run<T extends Task>(
    task: T,
    out: string,
    heard: Heard = {},
    folder?: string,
  ): Promise<OutcomeOf<T> | Failed> {
    const order: Order = { task, out, ...(folder !== undefined && { folder }) };
    const outcome = this.#answer<OutcomeOf<T> | Failed>((word) => {
      if ('info' in word) heard.info?.(word.info);
      if ('epoch' in word) heard.epoch?.(word.epoch);
      return 'outcome' in word ? (word.outcome as OutcomeOf<T> | Failed) : undefined;
    });
    if (this.#child.connected) this.#child.send(order, () => {});
    return outcome;
  }

  #answer<A>(found: (word: Word) => A | undefined): Promise<A> {
    return new Promise((done, failed) => {
      const child = this.#child;
      const ended = (): void => {
        const why = this.#gone ?? `code ${child.exitCode ?? child.signalCode}`;
        const said = this.#said.trim();
        failed(
          new EspalierError(
            'worker-lost',
            `A process that runs trials ended (${why})${said === '' ? '.' : `:\n${said}`}`,
          ),
        );
      };
      if (child.exitCode !== null || child.signalCode !== null) return ended();
      child.once('close', ended);
      this.#hear = (word) => {
        const answer = 'fault' in word ? undefined : found(word);
        if (answer === undefined && !('fault' in word)) return;
        child.off('close', ended);
        if ('fault' in word) failed(errorOf(word.fault));
        else done(answer as A);
      };
    });
  }

  /** Ends the process, whatever it does; a run that is checkpointed goes on from there. */
  kill(why = 'stopped'): Promise<void> {
    this.#gone = why;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    const gone = new Promise<void>((done) => child.once('close', () => done()));
    child.kill('SIGKILL');
    return gone;
  }
}

/** So often a trial is begun again when its process ends under it. */
const mostLost = 2;

const threadsOf = (threads: number): NodeJS.ProcessEnv => ({
  TF_NUM_INTRAOP_THREADS: String(threads),
  TF_NUM_INTEROP_THREADS: '1',
});

/**
 * Processes of this machine that run trials side by side. They share its cores, unless `threads` says otherwise.
 *
 * @param parallel - How many, at least 1.
 */
export function inProcesses(
  parallel: number,
  options: HandOptions & { readonly listener: Listener; readonly signal?: AbortSignal },
): Crew {
  const { listener, signal, backend } = options;
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / parallel));
  const idle: Hand[] = [];
  const busy = new Set<Hand>();
  const abort = (): void => {
    for (const hand of busy) void hand.kill();
  };
  signal?.addEventListener('abort', abort, { once: true });
  const aborted = (): EspalierError => new EspalierError('aborted', 'The trials were stopped.');
  return {
    width: parallel,
    async run<T extends Task>({ task, out, name }: Trial<T>) {
      if (signal?.aborted) throw aborted();
      listener.info(name);
      for (let lost = 0; ; lost++) {
        const hand = idle.pop() ?? (await Hand.start({ backend, threads }));
        busy.add(hand);
        try {
          const outcome = await hand.run(task, out);
          idle.push(hand);
          return outcome;
        } catch (error) {
          if (signal?.aborted) throw aborted();
          const gone = (error as { code?: string }).code === 'worker-lost';
          if (!gone) idle.push(hand);
          // The next one goes on where this one was.
          if (!gone || lost >= mostLost) throw error;
          listener.warn(`${name}: ${(error as Error).message.split('\n')[0]} Once more.`);
        } finally {
          busy.delete(hand);
        }
      }
    },
    async close() {
      signal?.removeEventListener('abort', abort);
      await Promise.all([...idle, ...busy].map((hand) => hand.kill()));
    },
  };
}
