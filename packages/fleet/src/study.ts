import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EspalierError } from '@espalier/core';
import { type Bundle, blobOf, checkPath } from './bundle.js';
import type { Fleet } from './fleet.js';
import { hashOf } from './key.js';
import { fromPlain, plainText } from './plain.js';
import { sweep } from './sweep.js';

/** A trial that has ended. */
interface Ended {
  readonly key: string;
  readonly state: 'done' | 'failed' | 'cancelled';
  readonly result: unknown;
  readonly failure: string | null;
}

/** How a study's results are waited for, in milliseconds. */
const pollMilliseconds = 300;

/** Trials of one bundle: those of a search, say. Whoever opens it by the same name goes on with it. */
export class Study {
  readonly name: string;
  readonly #fleet: Fleet;
  readonly #bundle: Bundle;
  readonly #waiting = new Map<string, { done(ended: Ended): void; failed(error: unknown): void }>();
  #polling = false;

  private constructor(fleet: Fleet, name: string, bundle: Bundle) {
    this.name = name;
    this.#fleet = fleet;
    this.#bundle = bundle;
  }

  /**
   * A study by its name, made where there is none.
   *
   * @param tags - What workers have to have: `gpu`.
   * @throws EspalierError `bad-state` where one of this name has another bundle
   */
  static async open(
    fleet: Fleet,
    name: string,
    bundle: Bundle,
    tags: readonly string[] = [],
  ): Promise<Study> {
    await fleet.queue(name);
    await fleet.database.query(
      'insert into espalier.study (name, bundle, tags) values ($1, $2, $3) on conflict do nothing',
      [name, bundle.id, [...tags]],
    );
    const [row] = await fleet.database.query<{ bundle: string }>(
      'select bundle from espalier.study where name = $1',
      [name],
    );
    if (row?.bundle !== bundle.id) {
      throw new EspalierError('bad-state', `The fleet has another study ${name}, of other files.`, {
        remedy: 'Give this one a name of its own: --study.',
      });
    }
    return new Study(fleet, name, bundle);
  }

  /**
   * What a task comes to, on whichever machine: one that was asked for before is not run again.
   *
   * @param into - The folder that takes the files it leaves.
   * @throws EspalierError `trial-failed`, `cancelled`, `no-database`
   */
  async run(task: unknown, name: string, into: string): Promise<unknown> {
    const key = hashOf(task).slice(0, 24);
    const ended = new Promise<Ended>((done, failed) => this.#waiting.set(key, { done, failed }));
    try {
      await this.#ask(key, name, task);
      void this.#poll();
      const { state, result, failure } = await ended;
      if (state === 'done') {
        await this.#fetch(key, into);
        return fromPlain(result);
      }
      const remedy = `See espalier fleet logs ${this.name}, then espalier fleet retry ${this.name}, and this command with --resume.`;
      if (state === 'cancelled') throw new EspalierError('cancelled', `${name} was cancelled.`, { remedy });
      throw new EspalierError('trial-failed', `${name}: ${failure}`, { remedy });
    } finally {
      this.#waiting.delete(key);
    }
  }

  async #ask(key: string, name: string, task: unknown): Promise<void> {
    const plain = plainText(task);
    const signature = this.#fleet.key.sign('trial', { bundle: this.#bundle.id, task });
    await this.#fleet.database.transaction(async (asks) => {
      const job = randomUUID();
      const added = await asks.query(
        `insert into espalier.trial (study, key, name, task, signature, job) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing returning key`,
        [this.name, key, name, plain, signature, job],
      );
      if (added.length > 0) await this.#fleet.send(this.name, job, asks);
    });
  }

  /** Asks for the ends of all that are waited for, as long as there are any. */
  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      for (let round = 0; this.#waiting.size > 0; round++) {
        // Where no worker is left to see that others are gone, this process does.
        if (round % 30 === 29) await sweep(this.#fleet);
        const rows = await this.#fleet.database.query<Ended>(
          `select key, state, result, failure from espalier.trial
           where study = $1 and key = any($2) and state in ('done', 'failed', 'cancelled')`,
          [this.name, [...this.#waiting.keys()]],
        );
        for (const row of rows) this.#waiting.get(row.key)?.done(row);
        for (const { key } of rows) this.#waiting.delete(key);
        await sleep(pollMilliseconds);
      }
    } catch (error) {
      for (const { failed } of this.#waiting.values()) failed(error);
    } finally {
      this.#polling = false;
    }
    if (this.#waiting.size > 0) void this.#poll();
  }

  /** Writes the files of a trial into a folder: the folder is there when all are. */
  async #fetch(key: string, into: string): Promise<void> {
    const files = await this.#fleet.database.query<{ path: string; hash: string }>(
      'select path, hash from espalier.file where study = $1 and key = $2',
      [this.name, key],
    );
    for (const { path, hash } of files) {
      const file = join(into, checkPath(path));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.tmp`, await blobOf(this.#fleet, hash));
      await rename(`${file}.tmp`, file);
    }
  }

  /** How many trials the fleet's workers can run at once, now. */
  async slots(): Promise<number> {
    const [row] = await this.#fleet.database.query<{ slots: string | null }>(
      `select sum(slots) slots from espalier.worker w
       where ended is null and not draining and seen > now() - interval '60 s' and tags @> $1
       and not exists (select 1 from espalier.refusal r where r.worker = w.id and r.study = $2)`,
      [await this.#tags(), this.name],
    );
    return Number(row?.slots ?? 0);
  }

  async #tags(): Promise<string[]> {
    const [row] = await this.#fleet.database.query<{ tags: string[] }>(
      'select tags from espalier.study where name = $1',
      [this.name],
    );
    return row?.tags ?? [];
  }

  /** Why workers do not run this study, by their names. */
  async refusals(): Promise<{ readonly worker: string; readonly reason: string }[]> {
    return this.#fleet.database.query(
      `select w.name worker, r.reason from espalier.refusal r join espalier.worker w on w.id = r.worker
       where r.study = $1 and w.ended is null and w.seen > now() - interval '60 s' order by 1`,
      [this.name],
    );
  }
}
