import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EspalierError } from '@espalier/core';
import { blobOf, checkPath } from './bundle.js';
import type { Fleet } from './fleet.js';
import {
  checkSigned,
  finish,
  giveUp,
  type Kept,
  keep,
  kept,
  type Lease,
  leaseSeconds,
  type News,
  release,
  renew,
} from './lease.js';
import { ofMachine } from './of-machine.js';
import { fromPlain } from './plain.js';
import type { WorkerOptions } from './worker-options.js';

/** Runs trials that a worker has leased, to their ends. */
export class Running {
  readonly #fleet: Fleet;
  readonly #options: WorkerOptions;
  readonly #home: string;

  /** @param home - A folder that takes those of trials. */
  constructor(fleet: Fleet, options: WorkerOptions, home: string) {
    this.#fleet = fleet;
    this.#options = options;
    this.#home = home;
  }

  /**
   * Runs a trial; whatever comes of it is told to the fleet.
   *
   * @param folder - The one to run it in.
   * @throws EspalierError `no-database`
   */
  async run(lease: Lease, folder: string): Promise<void> {
    const { log, passing, stop, expiry } = this.#options;
    const out = join(this.#home, 'trials', randomUUID());
    const gone = new AbortController();
    const stopped = (): void => gone.abort();
    stop?.addEventListener('abort', stopped, { once: true });
    let late = false;
    const expire = (): void => {
      late = true;
      gone.abort();
    };
    const clock = expiry === undefined ? undefined : setTimeout(expire, 1000 * expiry);
    const news = { lines: [] as string[], epochs: [] as News['epochs'][number][] };
    const telling = this.#tell(lease, out, news, gone);
    try {
      checkSigned(this.#fleet, lease);
      await this.#restore(lease, out);
      log?.(`${lease.study}: ${lease.name}${lease.attempt > 1 ? ` (attempt ${lease.attempt})` : ''}`);
      const result = await this.#options.run({
        task: fromPlain(lease.task),
        name: lease.name,
        folder,
        out,
        signal: gone.signal,
        info: (line) => void news.lines.push(line),
        epoch: (metrics) => void news.epochs.push(metrics),
      });
      await telling.stop();
      await finish(this.#fleet, lease, result, await filesIn(out, this.#options.results));
    } catch (error) {
      const { code, message } = error as EspalierError;
      if (code === 'no-database') throw error;
      const words = late ? [`It took more than ${expiry} s.`] : message.split('\n').slice(0, 20);
      const elsewhere = late || ofMachine(error) || passing(error);
      news.lines.push(...words);
      await telling.stop();
      if (stop?.aborted) {
        await this.#keep(lease, out).catch(() => {});
        await release(this.#fleet, lease, 'its worker was stopped');
      } else if (elsewhere) {
        if (late) await this.#keep(lease, out).catch(() => {});
        await release(this.#fleet, lease, words[0]);
      } else await giveUp(this.#fleet, lease, words[0]);
      log?.(`${lease.name}: ${words[0]}`);
      if (elsewhere) await sleep(1000); // Another machine may have what this one lacks.
    } finally {
      clearTimeout(clock);
      stop?.removeEventListener('abort', stopped);
      await rm(out, { recursive: true, force: true });
    }
  }

  /** Renews a trial's lease, tells its news and keeps its checkpoint, until it is stopped. */
  #tell(
    lease: Lease,
    out: string,
    news: { lines: string[]; epochs: News['epochs'][number][] },
    gone: AbortController,
  ): { stop(): Promise<void> } {
    const { keepEvery = 60, lease: seconds = leaseSeconds } = this.#options;
    const tellEvery = (1000 * seconds) / 6;
    let [on, saved] = [true, performance.now()];
    const once = async (): Promise<void> => {
      const told = { lines: news.lines.splice(0), epochs: news.epochs.splice(0) };
      if (!(await renew(this.#fleet, lease, told))) return gone.abort();
      if (!on || performance.now() - saved < 1000 * keepEvery) return;
      saved = performance.now();
      await this.#keep(lease, out);
    };
    const going = (async () => {
      while (on) {
        for (let waited = 0; waited < tellEvery && on; waited += 100) await sleep(100);
        if (on) await once();
      }
      if (news.lines.length + news.epochs.length > 0) await once();
    })().catch(() => gone.abort());
    return {
      stop() {
        on = false;
        return going;
      },
    };
  }

  async #keep(lease: Lease, out: string): Promise<void> {
    const files = await filesIn(out, this.#options.checkpoint);
    // Without the first there is nothing to go on from.
    if (files.some(({ path }) => path === this.#options.checkpoint[0])) await keep(this.#fleet, lease, files);
  }

  async #restore(lease: Lease, out: string): Promise<void> {
    await mkdir(out, { recursive: true });
    for (const { path, hash } of await kept(this.#fleet, lease)) {
      const file = join(out, checkPath(path));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, await blobOf(this.#fleet, hash));
    }
  }
}

/** Those of the files and folders that are there, in their order. */
async function filesIn(out: string, wanted: readonly string[]): Promise<Kept[]> {
  const files: Kept[] = [];
  for (const name of wanted) {
    const at = join(out, name);
    const entries = await readdir(at, { withFileTypes: true, recursive: true }).catch(() => undefined);
    const paths =
      entries === undefined
        ? [at]
        : entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const path of paths) {
      const bytes = path.endsWith('.tmp') ? undefined : await readFile(path).catch(() => undefined);
      if (bytes !== undefined) files.push({ path: relative(out, path).split(sep).join('/'), bytes });
    }
  }
  return files;
}
