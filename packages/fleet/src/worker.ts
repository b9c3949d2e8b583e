import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EspalierError } from '@espalier/core';
import { type Bundle, bundleOf, unpackBundle } from './bundle.js';
import type { Fleet } from './fleet.js';
import { type Lease, take } from './lease.js';
import { ofMachine } from './of-machine.js';
import { Running } from './running.js';
import { sweep } from './sweep.js';
import type { WorkerOptions } from './worker-options.js';

const [pollMilliseconds, sweepMilliseconds, machineMilliseconds] = [700, 5000, 3000];

/** Works for a fleet until it is told to end. @throws EspalierError `no-database`; and what starting throws */
export async function workFor(fleet: Fleet, options: WorkerOptions): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'espalier-worker-'));
  const worker = new Worker(fleet, options, home);
  try {
    await worker.work();
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

class Worker {
  readonly #fleet: Fleet;
  readonly #options: WorkerOptions;
  readonly #home: string;
  readonly #running: Running;
  readonly #id = randomUUID();
  readonly #bundles = new Map<string, Promise<string>>();
  #draining = false;
  /** Trials on their way, and when there was last anything to do. */
  #busy = 0;
  #active = performance.now();

  constructor(fleet: Fleet, options: WorkerOptions, home: string) {
    this.#fleet = fleet;
    this.#options = options;
    this.#home = home;
    this.#running = new Running(fleet, options, home);
  }

  get #ending(): boolean {
    const { drain, stop } = this.#options;
    return this.#draining || drain?.aborted === true || stop?.aborted === true;
  }

  async work(): Promise<void> {
    const { name = hostname(), slots = 1, tags = [], backend } = this.#options;
    await this.#fleet.database.query(
      `insert into espalier.worker (id, name, host, pid, backend, tags, slots) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict do nothing`,
      [this.#id, name, hostname(), process.pid, backend, [...tags], slots],
    );
    let [on, failure] = [true, undefined as unknown];
    const failed = (error: unknown): void => {
      failure ??= error;
      this.#draining = true;
    };
    const seen = this.#watch(() => on).catch(failed);
    await Promise.all(Array.from({ length: slots }, () => this.#slot().catch(failed)));
    on = false;
    await seen;
    if (failure !== undefined) throw failure;
    await this.#fleet.database.query('update espalier.worker set ended = now() where id = $1', [this.#id]);
  }

  /** Says that this worker is there, hears whether it is to end, and looks for others that are gone. */
  async #watch(on: () => boolean): Promise<void> {
    while (on()) {
      const [row] = await this.#fleet.database.query<{ draining: boolean }>(
        'update espalier.worker set seen = now() where id = $1 returning draining',
        [this.#id],
      );
      if (row?.draining) this.#draining = true;
      await sweep(this.#fleet);
      for (let waited = 0; waited < sweepMilliseconds && on(); waited += 250) await sleep(250);
    }
  }

  /** Whether there has been nothing to do for as long as this worker waits. */
  get #idle(): boolean {
    const { idle = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#busy > 0) this.#active = performance.now();
    return performance.now() - this.#active >= 1000 * idle;
  }

  async #slot(): Promise<void> {
    while (!this.#ending && !this.#idle) {
      const lease = await this.#next();
      if (lease === undefined) {
        await sleep(pollMilliseconds * (0.5 + Math.random()));
        continue;
      }
      this.#busy++;
      try {
        await this.#running.run(lease, (await this.#bundles.get(lease.bundle)) as string);
      } finally {
        this.#busy--;
        this.#active = performance.now();
      }
    }
  }

  /**
   * The next trial of the studies that this worker can run, the oldest study first. One that is queued but waits for its
   * pause is none yet; it is something to do.
   */
  async #next(): Promise<Lease | undefined> {
    const studies = await this.#fleet.database.query<{ name: string; bundle: string }>(
      `select s.name, s.bundle from espalier.study s
       where s.tags <@ $2 and exists (select 1 from espalier.trial t where t.study = s.name and t.state = 'queued')
         and not exists (select 1 from espalier.refusal r where r.worker = $1 and r.study = s.name)
       order by s.made`,
      [this.#id, [...(this.#options.tags ?? [])]],
    );
    for (const { name, bundle } of studies) {
      if (!(await this.#takes(name, bundle))) continue;
      this.#active = performance.now();
      const lease = await take(this.#fleet, name, this.#id, this.#options.lease);
      if (lease !== undefined) return lease;
    }
    return undefined;
  }

  /** Whether a study's bundle is here to be run; if it cannot be, the study is told why. */
  async #takes(study: string, id: string): Promise<boolean> {
    const there = this.#bundles.get(id) ?? this.#unpack(id);
    this.#bundles.set(id, there);
    try {
      await there;
      return true;
    } catch (error) {
      this.#bundles.delete(id);
      const { code, message } = error as EspalierError;
      if (code === 'no-database') throw error;
      const reason = message.split('\n')[0];
      if (ofMachine(error)) {
        // What is there of it is no whole: it is fetched anew when there is room.
        this.#options.log?.(`${study} waits: ${reason}`);
        await rm(join(this.#home, 'bundles', id), { recursive: true, force: true });
        await sleep(machineMilliseconds);
        return false;
      }
      this.#options.log?.(`Not ${study}: ${reason}`);
      await this.#fleet.database.query(
        'insert into espalier.refusal (worker, study, reason) values ($1, $2, $3) on conflict do nothing',
        [this.#id, study, reason],
      );
      return false;
    }
  }

  async #unpack(id: string): Promise<string> {
    const bundle: Bundle = await bundleOf(this.#fleet, id);
    const why = await this.#options.objection(bundle.manifest.needs);
    if (why !== undefined) throw new Error(why);
    const into = join(this.#home, 'bundles', id);
    await unpackBundle(this.#fleet, bundle, into);
    const { modules } = this.#options;
    if (modules !== undefined) await symlink(modules, join(into, 'node_modules'), 'junction').catch(() => {});
    return join(into, bundle.manifest.folder);
  }
}
