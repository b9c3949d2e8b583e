import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cancel,
  drain,
  Fleet,
  logsOf,
  putBundle,
  retry,
  Study,
  statusOf,
  type WorkerOptions,
  workFor,
} from '../src/index.js';
import { hashOf } from '../src/key.js';
import { finish, keep, kept, type Lease, renew, take } from '../src/lease.js';
import { sweep } from '../src/sweep.js';
import { called, hasPostgres, Postgres } from './postgres.js';

const key = 'a key for tests, as long as it has to be';
const folder = (): string => mkdtempSync(join(tmpdir(), 'espalier-fleet-'));

/** A worker whose trials write a file and come to their task's number, doubled. */
const doubling = (more: Partial<WorkerOptions> = {}): WorkerOptions => ({
  backend: 'cpu',
  objection: async () => undefined,
  passing: (error) => (error as { code?: string }).code === 'passing',
  results: ['model.esp'],
  checkpoint: ['checkpoint/state.bin', 'metrics.jsonl'],
  idle: 0.5,
  lease: 3,
  async run({ task, out, epoch, info }) {
    const { n } = task as { n: number };
    info(`trial ${n}`);
    epoch({ stage: 'dense', epoch: 0, loss: n / 8 } as never);
    writeFileSync(join(out, 'model.esp'), `model ${n}`);
    return { double: 2 * n, error: n / 100, bytes: 100 - n, infinite: Number.POSITIVE_INFINITY };
  },
  ...more,
});

describe.skipIf(!hasPostgres)(called, () => {
  let postgres: Postgres;
  let fleet: Fleet;
  let root: string;

  beforeAll(async () => {
    postgres = await Postgres.start();
    fleet = await Fleet.open({ url: postgres.url, key, connections: 8 });
    root = folder();
    mkdirSync(join(root, 'in'));
    writeFileSync(join(root, 'in', 'recipe.yaml'), 'name: x');
    writeFileSync(join(root, 'plugin.mjs'), 'export const p = 1;');
  }, 180_000);
  afterAll(async () => {
    await fleet?.close();
    await postgres?.stop();
  });

  const needs = { backend: 'cpu', versions: { espalier: '1' } };
  const study = async (name: string, tags: string[] = []): Promise<Study> => {
    const bundle = await putBundle(fleet, root, ['in/recipe.yaml', 'plugin.mjs'], { needs, folder: 'in' });
    return Study.open(fleet, name, bundle, tags);
  };
  const states = (of: string): Promise<{ state: string; attempt: number }[]> =>
    fleet.database.query('select state, attempt from espalier.trial where study = $1 order by number', [of]);

  it('trials come back with their files and numbers, each once', async () => {
    const one = await study('first');
    const out = folder();
    const asked = [1, 2, 3].map((n) => one.run({ n }, `Trial ${n}`, join(out, String(n))));
    const seen: string[] = [];
    const run = doubling().run;
    await workFor(
      fleet,
      doubling({
        name: 'w',
        run: (work) => {
          seen.push(readFileSync(join(work.folder, '..', 'plugin.mjs'), 'utf8'));
          return run(work);
        },
      }),
    );
    expect(await Promise.all(asked)).toMatchObject([
      { double: 2, infinite: Number.POSITIVE_INFINITY },
      { double: 4 },
      { double: 6 },
    ]);
    expect(seen).toEqual(Array(3).fill('export const p = 1;'));
    expect(readFileSync(join(out, '2', 'model.esp'), 'utf8')).toBe('model 2');
    // Asked for again, by whoever: it is not run again.
    const again = await (await study('first')).run({ n: 3 }, 'Trial 3', join(out, 'again'));
    expect(again).toMatchObject({ double: 6 });
    expect(await states('first')).toEqual(Array(3).fill({ state: 'done', attempt: 1 }));
    const said = (await logsOf(fleet, 'first')).map(({ line }) => line);
    expect(said.sort()).toEqual(['trial 1', 'trial 2', 'trial 3']);
    const { studies, workers } = await statusOf(fleet);
    expect(studies.find(({ name }) => name === 'first')).toMatchObject({
      done: 3,
      queued: 0,
      // Less error has more bytes here: all three are on the front.
      front: [{ name: 'Trial 3', error: 0.03, bytes: 97 }, { bytes: 98 }, { bytes: 99 }],
    });
    expect(workers).toEqual([]); // It has ended.
    const epochs = await fleet.database.query('select * from espalier.epoch where study = $1', ['first']);
    expect(epochs).toHaveLength(3);
    await fleet.tidy('first');
  }, 60_000);

  it('a trial whose worker is gone goes to another, with its last checkpoint; what the first still says counts for nothing', async () => {
    const one = await study('lost');
    const asked = one.run({ n: 7 }, 'Trial 7', folder());
    while ((await states('lost')).length === 0) await sleep(20);
    const worker = '00000000-0000-0000-0000-000000000001';
    const first = (await take(fleet, 'lost', worker)) as Lease;
    expect(await take(fleet, 'lost', worker)).toBeUndefined();
    const half = { path: 'checkpoint/state.bin', bytes: Buffer.from('half') };
    const nothing = { lines: [], epochs: [] };
    expect(await keep(fleet, first, [{ ...half, bytes: Buffer.from('a quarter') }])).toBe(true);
    expect(await keep(fleet, first, [half])).toBe(true);
    expect(await renew(fleet, first, { lines: ['one'], epochs: [{ stage: 'dense', epoch: 0 }] })).toBe(true);
    expect(await sweep(fleet)).toBe(0); // It has said that it is there.
    // By the database's clock: that of a worker may be wrong by an hour.
    await fleet.database.query(
      `update espalier.trial set lease = now() - interval '1 s' where study = 'lost'`,
    );
    await fleet.database.query(`update espalier.trial set lease_seconds = 1e6 where study = 'lost'`);
    expect(await sweep(fleet)).toBe(0); // The database itself has not been there for that long.
    await fleet.database.query(`update espalier.trial set lease_seconds = 0 where study = 'lost'`);
    expect(await sweep(fleet)).toBe(1);
    expect(await renew(fleet, first, nothing)).toBe(false);
    expect(await keep(fleet, first, [half])).toBe(false);
    let second: Lease | undefined;
    while (second === undefined) second = await take(fleet, 'lost', worker); // After a pause.
    expect(second).toMatchObject({ job: first.job, attempt: 2 });
    expect(await kept(fleet, second)).toEqual([{ path: half.path, hash: hashOf(half.bytes) }]);
    expect(await finish(fleet, first, { double: -1 }, [])).toBe(false);
    expect(await renew(fleet, second, { lines: [], epochs: [{ stage: 'dense', epoch: 0 }] })).toBe(true);
    const file = { path: 'model.esp', bytes: Buffer.from('model') };
    expect(await finish(fleet, second, { double: 14 }, [file])).toBe(true);
    expect(await finish(fleet, second, { double: 14 }, [file])).toBe(true); // Its answer was lost on its way.
    expect(await asked).toEqual({ double: 14 });
    const count = async (from: string): Promise<number> =>
      (await fleet.database.query(`select 1 from espalier.${from} where study = 'lost'`)).length;
    expect(await Promise.all(['trial', 'epoch', 'checkpoint', 'file'].map(count))).toEqual([1, 1, 0, 1]);
    const halves = await fleet.database.query('select 1 from espalier.blob where hash = $1', [
      hashOf(half.bytes),
    ]);
    expect(halves).toEqual([]);
  }, 90_000);

  it('a trial that is lost again and again is given up, with its reason', async () => {
    const one = await study('poison');
    const ended = one.run({ n: 1 }, 'Trial 1', folder()).catch((error: Error) => error);
    while ((await states('poison')).length === 0) await sleep(20);
    const worker = '00000000-0000-0000-0000-000000000002';
    // What is left of its retries is taken from the queue, whose pauses would be minutes.
    await fleet.database.query(
      `update espalier_jobs.job set retry_limit = 1, retry_delay = 0 where state = 'created'`,
    );
    for (let lost = 0; lost < 2; lost++) {
      let lease: Lease | undefined;
      while (lease === undefined) lease = await take(fleet, 'poison', worker, 0);
      await fleet.database.query(
        `update espalier.trial set lease = now() - interval '1 s' where study = 'poison'`,
      );
      expect(await sweep(fleet)).toBe(1);
    }
    expect(await ended).toMatchObject({ message: expect.stringContaining('its worker was lost 2 times') });
  }, 60_000);

  it('fails in passing and is tried again; fails for good, is told with its log, and is retried by hand', async () => {
    const one = await study('failing');
    let tries = 0;
    const passing = Object.assign(new Error('the disk is full'), { code: 'passing' });
    const wrong = Object.assign(new Error('no such layer\n  Name one.'), { code: 'bad-recipe' });
    const options = doubling({
      idle: 2.5,
      async run(work) {
        const { n } = work.task as { n: number };
        if (n === 1 && tries++ === 0) throw passing;
        if (n === 2 && tries < 2) throw wrong;
        return doubling().run(work);
      },
    });
    const asked = [1, 2].map((n) => one.run({ n }, `Trial ${n}`, folder()));
    const ended = Promise.allSettled(asked);
    await workFor(fleet, options);
    expect(await ended).toMatchObject([
      { status: 'fulfilled', value: { double: 2 } },
      {
        status: 'rejected',
        reason: { code: 'trial-failed', message: expect.stringContaining('no such layer') },
      },
    ]);
    expect((await logsOf(fleet, 'failing')).map(({ line }) => line)).toContain('  Name one.');
    expect((await statusOf(fleet)).failures).toContainEqual(
      expect.objectContaining({ study: 'failing', name: 'Trial 2', failure: 'no such layer' }),
    );
    expect(await retry(fleet, 'failing')).toBe(1);
    const again = one.run({ n: 2 }, 'Trial 2', folder());
    await workFor(fleet, options);
    expect(await again).toMatchObject({ double: 4 });
  }, 120_000);

  it('is cancelled, at work or not', async () => {
    const one = await study('stopped');
    let aborted = false;
    const ended = Promise.allSettled([1, 2].map((n) => one.run({ n }, `Trial ${n}`, folder())));
    const work = workFor(
      fleet,
      doubling({
        async run({ signal }) {
          await new Promise<void>((done) => signal.addEventListener('abort', () => done()));
          aborted = true;
          throw new Error('stopped');
        },
      }),
    );
    while ((await states('stopped')).every(({ state }) => state !== 'running')) await sleep(100);
    expect(await cancel(fleet, 'stopped')).toBe(2);
    expect(await ended).toMatchObject([{ reason: { code: 'cancelled' } }, { reason: { code: 'cancelled' } }]);
    await work;
    expect(aborted).toBe(true);
    expect((await states('stopped')).map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  }, 60_000);

  it('is refused by name by a worker that cannot run it exactly, and waits for tags', async () => {
    const one = await study('choosy', ['gpu']);
    const asked = one.run({ n: 1 }, 'Trial 1', folder());
    await workFor(fleet, doubling({ idle: 0.5 })); // It has no such tag.
    const objection = async (): Promise<string> => 'espalier 2 is here, 1 is asked for';
    const work = workFor(fleet, doubling({ name: 'old', tags: ['gpu'], idle: 3, objection }));
    while ((await one.refusals()).length === 0) await sleep(100);
    expect(await one.refusals()).toEqual([{ worker: 'old', reason: 'espalier 2 is here, 1 is asked for' }]);
    expect((await statusOf(fleet)).studies.find(({ name }) => name === 'choosy')?.refusals).toHaveLength(1);
    expect(await one.slots()).toBe(0);
    await work;
    expect(await states('choosy')).toEqual([{ state: 'queued', attempt: 0 }]);
    await workFor(fleet, doubling({ tags: ['gpu', 'big'], idle: 2 }));
    expect(await asked).toMatchObject({ double: 2 });
  }, 60_000);

  it('runs nothing that another key signed, and nothing that was changed in the store', async () => {
    const other = await Fleet.open({ url: postgres.url, key: `${key}, another` });
    const bundle = await putBundle(other, root, ['plugin.mjs'], { needs, folder: 'out' });
    const foreign = await Study.open(other, 'foreign', bundle);
    const ended = Promise.allSettled([foreign.run({ n: 1 }, 'Trial 1', folder())]);
    const one = await study('changed');
    const wrong = Promise.allSettled([one.run({ n: 1 }, 'Trial 1', folder())]);
    while ((await states('changed')).length + (await states('foreign')).length < 2) await sleep(50);
    await fleet.database.query(`update espalier.trial set task = '{"n": 2}' where study = 'changed'`);
    let ran = 0;
    const run = async (): Promise<number> => ran++;
    const lines: string[] = [];
    await workFor(fleet, doubling({ run, idle: 3, log: (line) => void lines.push(line) }));
    expect(ran).toBe(0);
    expect(lines.join('\n')).toMatch(/Not foreign: The bundle .* was not signed with this fleet's key/);
    expect(await wrong).toMatchObject([{ reason: { message: expect.stringContaining('was not signed') } }]);
    await cancel(fleet, 'foreign');
    await ended;
    // A file that is not what its hash says.
    await fleet.database.query(
      `update espalier.blob set bytes = 'process.exit()' where bytes = 'export const p = 1;'`,
    );
    const damaged = one.run({ n: 3 }, 'Trial 3', folder()).catch((error: Error) => error);
    await workFor(fleet, doubling({ run, idle: 2, log: (line) => void lines.push(line) }));
    expect(ran).toBe(0);
    expect(lines.join('\n')).toContain('does not hold the file');
    await cancel(fleet, 'changed');
    expect(await damaged).toMatchObject({ code: 'cancelled' });
    await fleet.database.query(
      `update espalier.blob set bytes = 'export const p = 1;' where bytes = 'process.exit()'`,
    );
    await other.close();
  }, 90_000);

  it('loses nothing and counts nothing twice while the database goes away and comes back', async () => {
    const one = await study('away');
    const ran = new Map<number, number>();
    const options = doubling({
      slots: 2,
      idle: 600,
      async run(work) {
        const { n } = work.task as { n: number };
        ran.set(n, (ran.get(n) ?? 0) + 1);
        await sleep(150);
        return doubling().run(work);
      },
    });
    const asked = Array.from({ length: 24 }, (_, n) => one.run({ n }, `Trial ${n}`, folder()));
    // Two workers of one name.
    const work = [workFor(fleet, { ...options, name: 'twin' }), workFor(fleet, { ...options, name: 'twin' })];
    for (const signal of ['SIGQUIT', 'SIGINT'] as const) {
      await sleep(700);
      await postgres.down(signal);
      await sleep(500);
      await postgres.up();
    }
    const results = (await Promise.all(asked)) as { double: number }[];
    expect(results.map(({ double }) => double)).toEqual(Array.from({ length: 24 }, (_, n) => 2 * n));
    expect(await drain(fleet, 'twin')).toBe(2);
    await Promise.all(work);
    const ends = await states('away');
    expect(ends).toHaveLength(24);
    expect(new Set(ends.map(({ state }) => state))).toEqual(new Set(['done']));
    expect(ran.size).toBe(24);
  }, 180_000);

  it('does 48 trivial trials over 8 workers, each once', async () => {
    const one = await study('many');
    const ran: number[] = [];
    const asked = Array.from({ length: 48 }, (_, n) => one.run({ n }, `Trial ${n}`, folder()));
    const run = doubling().run;
    const options = doubling({
      run: (work) => {
        ran.push((work.task as { n: number }).n);
        return run(work);
      },
    });
    await Promise.all(Array.from({ length: 8 }, () => workFor(fleet, options)));
    await Promise.all(asked);
    expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: 48 }, (_, n) => n));
    expect((await states('many')).every(({ state, attempt }) => state === 'done' && attempt === 1)).toBe(
      true,
    );
  }, 120_000);

  it('refuses a study of the same name with other files, and a bundle that is too large', async () => {
    await study('taken');
    const other = await putBundle(fleet, root, ['plugin.mjs'], { needs, folder: 'other' });
    await expect(Study.open(fleet, 'taken', other)).rejects.toMatchObject({ code: 'bad-state' });
    const put = putBundle(fleet, root, ['plugin.mjs'], { needs, folder: '.', most: 10 });
    await expect(put).rejects.toMatchObject({
      code: 'bundle-size',
      message: expect.stringContaining('plugin.mjs'),
    });
    await expect(cancel(fleet, 'nothing')).rejects.toMatchObject({ code: 'unknown-name' });
  }, 60_000);
});
