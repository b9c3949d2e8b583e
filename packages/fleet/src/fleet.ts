import { EspalierError } from '@espalier/core';
import PgBoss from 'pg-boss';
import { type Asks, Database, type DatabaseOptions } from './database.js';
import { hashOf, Key, keyVariable } from './key.js';
import { makeTables, queueSchema } from './tables.js';

/** How a fleet is reached. */
export interface FleetOptions extends DatabaseOptions {
  /** The key that all of a fleet share. Default: of the environment, `ESPALIER_FLEET_KEY`. */
  readonly key?: string;
}

/** How often a trial may be lost or fail in passing before it is given up. */
export const retryLimit = 8;

/** A fleet: its database, its key, and the engine of its queues. */
export class Fleet {
  readonly database: Database;
  readonly key: Key;
  readonly #boss: PgBoss;
  readonly #queues = new Map<string, Promise<void>>();

  private constructor(database: Database, key: Key) {
    this.database = database;
    this.key = key;
    const db = {
      executeSql: async (text: string, values: unknown[]) => ({ rows: await database.query(text, values) }),
    };
    // Leases are ours: pg-boss for Node 20 has none that are renewed, and its expiry ends a job that goes on.
    this.#boss = new PgBoss({ db, schema: queueSchema, supervise: false, schedule: false });
    this.#boss.on('error', () => {});
  }

  /**
   * Reaches a fleet, and makes its tables where they are missing.
   *
   * @throws EspalierError `invalid-option`, `bad-key`, `no-database`
   */
  static async open({ key = process.env[keyVariable], ...options }: FleetOptions): Promise<Fleet> {
    // What is said in the command first: whether its address is one needs no key.
    const fleet = new Fleet(new Database(options), new Key(key));
    try {
      await makeTables(fleet.database);
      await fleet.#boss.start();
      return fleet;
    } catch (error) {
      await fleet.database.close();
      throw error;
    }
  }

  /** The queue of a study, which is there then. */
  async queue(study: string): Promise<string> {
    const name = queueOf(study);
    const made =
      this.#queues.get(name) ??
      this.#boss.createQueue(name, { name, retryLimit, retryDelay: 1, retryBackoff: true });
    this.#queues.set(name, made);
    await made;
    return name;
  }

  /** Puts a job into a study's queue, within a transaction. */
  async send(study: string, job: string, asks: Asks): Promise<void> {
    const sent = await this.#boss.send(queueOf(study), {}, { id: job, db: dbOf(asks) });
    if (sent === null) throw new EspalierError('failed', `The queue of ${study} did not take a job.`);
  }

  /** Takes the next job of a study's queue, within a transaction. */
  async fetch(study: string, asks: Asks): Promise<string | undefined> {
    const [job] = await this.#boss.fetch(queueOf(study), { db: dbOf(asks) });
    return job?.id;
  }

  /** Ends jobs, within a transaction: what came of them is in the table of trials. */
  async end(study: string, jobs: readonly string[], asks: Asks): Promise<void> {
    if (jobs.length > 0) await this.#boss.deleteJob(queueOf(study), [...jobs], { db: dbOf(asks) });
  }

  /** Gives a job back, within a transaction. Tells whether it will be tried again; if not, it has ended. */
  async giveBack(study: string, job: string, asks: Asks): Promise<boolean> {
    const db = dbOf(asks);
    await this.#boss.fail(queueOf(study), job, {}, { db });
    const found = await this.#boss.getJobById(queueOf(study), job, { db } as never);
    const again = found?.state === 'retry';
    if (!again) await this.end(study, [job], asks);
    return again;
  }

  /** Removes a study's queue where all of its trials have ended; they stay in their table. */
  async tidy(study: string): Promise<void> {
    const name = queueOf(study);
    const left = await this.database.query(
      `select 1 from espalier.trial where study = $1 and state in ('queued', 'running') limit 1`,
      [study],
    );
    if (left.length > 0) return;
    this.#queues.delete(name);
    await this.#boss.deleteQueue(name);
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, wait: false });
    await this.database.close();
  }
}

const queueOf = (study: string): string => `study-${hashOf(study).slice(0, 24)}`;

const dbOf = (asks: Asks): PgBoss.Db => ({
  executeSql: async (text, values) => ({ rows: await asks.query(text, values) }),
});
