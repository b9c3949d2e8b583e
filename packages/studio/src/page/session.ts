import * as Comlink from 'comlink';
import { startWorker } from './start-worker.js';
import type { PageBackend } from './work/backend.js';
import type { Made, MakeOptions } from './work/make.js';
import type { Dropped } from './work/open.js';
import type { Given, TriedOn } from './work/trial-run.js';
import type { ModelWorker, Opened } from './work/worker.js';

/** What was being done was stopped by the person. */
export class Cancelled extends Error {}

/** A model in its worker. The worker can be ended at any time: the next call starts another, which reads the files again. */
export class Session {
  readonly #files: readonly Dropped[];
  readonly backend: PageBackend;
  #worker: Worker | undefined;
  #remote: Promise<Comlink.Remote<ModelWorker>> | undefined;
  #stop: (reason: Error) => void = () => {};
  #stopped: Promise<never> = new Promise(() => {});

  constructor(files: readonly Dropped[], backend: PageBackend = 'wasm') {
    this.#files = files;
    this.backend = backend;
  }

  #start(): Comlink.Remote<ModelWorker> {
    const worker = startWorker('model-worker');
    this.#worker = worker;
    this.#stopped = new Promise<never>((_, reject) => {
      this.#stop = reject;
      worker.onerror = ({ message }) => reject(new Error(message || 'The worker of the page did not start.'));
    });
    this.#stopped.catch(() => {});
    return Comlink.wrap<ModelWorker>(worker);
  }

  async open(): Promise<Opened> {
    const remote = this.#start();
    const opening = remote.open(this.#files, this.backend);
    this.#remote = opening.then(() => remote);
    this.#remote.catch(() => {});
    return this.#until(opening as Promise<Opened>);
  }

  #until<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#stopped]);
  }

  async #with<T>(work: (remote: Comlink.Remote<ModelWorker>) => Promise<T>): Promise<T> {
    try {
      return await this.#once(work);
    } catch (error) {
      // A browser may take a GPU away at any time; what it held is in the files, too.
      if (this.backend !== 'webgpu' || !(error as Error).message.includes('GPU was lost')) throw error;
      this.cancel();
      return this.#once(work);
    }
  }

  async #once<T>(work: (remote: Comlink.Remote<ModelWorker>) => Promise<T>): Promise<T> {
    if (!this.#remote) await this.open();
    const remote = await this.#until(this.#remote as Promise<Comlink.Remote<ModelWorker>>);
    return this.#until(work(remote));
  }

  inspect(costs: boolean): Promise<Awaited<ReturnType<ModelWorker['inspect']>>> {
    return this.#with((remote) => remote.inspect(costs));
  }

  picture(name: string): Promise<string> {
    return this.#with((remote) => remote.picture(name));
  }

  make(options: MakeOptions): Promise<Made> {
    const { onTrial, log, ...rest } = options;
    return this.#with(
      (remote) =>
        remote.make(this.backend, rest, Comlink.proxy(onTrial), Comlink.proxy(log)) as Promise<Made>,
    );
  }

  tryOn(file: Blob, given: Given, range: readonly [number, number]): Promise<TriedOn> {
    return this.#with((remote) => remote.tryOn(this.backend, file, given, range) as Promise<TriedOn>);
  }

  /** Ends whatever the worker is at: its memory is free at once. */
  cancel(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#remote = undefined;
    this.#stop(new Cancelled('Cancelled.'));
  }
}
