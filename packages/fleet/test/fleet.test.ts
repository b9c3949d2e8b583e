import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOf } from '../src/bundle.js';
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
import { aborted, until, working } from './waiting.js';

const key = 'a key for tests, as long as it has to be';
const folder = (): string => mkdtempSync(join(tmpdir(), 'espalier-fleet-'));

/** A worker whose trials write a file and come to their task's number, doubled. */
const doubling = (more: Partial<WorkerOptions> = {}): WorkerOptions => ({
  backend: 'cpu',
  objection: async () => undefined,
  passing: (error) => (error as { code?: string }).code === 'passing',
  results: ['model.esp'],
  checkpoint: ['checkpoint/state.bin', 'metrics.jsonl'],
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
    fleet.database.query('select state, attempt from espalier.trial where study = $1 order by name', [of]);
  /** Until so many trials of a study are in the table: a worker that comes then finds them. */
  const asked = (of: string, count: number): Promise<unknown> =>
    until(`${count} trials of ${of}`, async () => (await states(of)).length === count);
  /** A worker while something is waited for. */
  const worked = <T>(options: WorkerOptions, what: Promise<T>): Promise<T> => working(fleet, options, what);
  const leased = (of: string, worker: string, seconds?: number): Promise<Lease> =>
    until(`a lease of ${of}`, () => take(fleet, of, worker, seconds));
  /** What a study's only trial is after a sweep. Whoever waits for a study sweeps as well, so how many this one finds says nothing. */
  const swept = async (of: string): Promise<string> => {
    await sweep(fleet);
    return (await states(of))[0].state;
  };

  it('is made by eight at once, where there is nothing yet', async () => {
    for (let round = 0; round < 4; round++) {
      const url = new URL(postgres.url);
      url.pathname = `/fresh_${round}`;
      await fleet.database.query(`create database fresh_${round}`);
      const fleets = await Promise.all(
        Array.from({ length: 8 }, () => Fleet.open({ url: url.href, key, connections: 1 })),
      );
      await Promise.all(fleets.map((one) => one.close()));
    }
  }, 120_000);

  it('trials come back with their files and numbers, each once', async () => {
    const one = await study('first');
    const out = folder();
    const results = Promise.all([1, 2, 3].map((n) => one.run({ n }, `Trial ${n}`, join(out, String(n)))));
    await asked('first', 3);
    const seen: string[] = [];
    const run = doubling().run;
    const options = doubling({
      name: 'w',
      run: (work) => {
        seen.push(readFileSync(join(work.folder, '..', 'plugin.mjs'), 'utf8'));
        return run(work);
      },
    });
    expect(await worked(options, results)).toMatchObject([
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
      front: [{ name: 'Trial 3', measure: 0.03, bytes: 97 }, { bytes: 98 }, { bytes: 99 }],
    });
    expect(workers).toEqual([]); // It has ended.
    const epochs = await fleet.database.query('select * from espalier.epoch where study = $1', ['first']);
    expect(epochs).toHaveLength(3);
    await fleet.tidy('first');
  }, 240_000);

  it('of a goal that is to be high, the front holds the highest of each size', async () => {
    const one = await study('higher');
    const results = Promise.all([0, 1, 2].map((n) => one.run({ n }, `Trial ${n}`, folder())));
    await asked('higher', 3);
    const goal = { metric: 'accuracy', better: 'higher' };
    const values = [0.9, 0.95, 0.92];
    const run = async ({ task }: { task: unknown }) => {
      const { n } = task as { n: number };
      return { error: 1 - (values[n] ?? 0), value: values[n], goal, bytes: 100 * (n + 1) };
    };
    await worked(doubling({ name: 'w', run: run as never }), results);
    const { studies } = await statusOf(fleet);
    // The third is larger than the second, and worse.
    expect(studies.find(({ name }) => name === 'higher')).toMatchObject({
      goal,
      front: [
        { name: 'Trial 0', measure: 0.9, bytes: 100 },
        { name: 'Trial 1', measure: 0.95, bytes: 200 },
      ],
    });
  }, 240_000);

  it('a trial whose worker is gone goes to another, with its last checkpoint; what the first still says counts for nothing', async () => {
    const one = await study('lost');
    const result = one.run({ n: 7 }, 'Trial 7', folder());
    await asked('lost', 1);
    const worker = '00000000-0000-0000-0000-000000000001';
    const first = await leased('lost', worker);
    expect(await take(fleet, 'lost', worker)).toBeUndefined();
    const half = { path: 'checkpoint/state.bin', bytes: Buffer.from('half') };
    const nothing = { lines: [], epochs: [] };
    expect(await keep(fleet, first, [{ ...half, bytes: Buffer.from('a quarter') }])).toBe(true);
    expect(await keep(fleet, first, [half])).toBe(true);
    expect(await renew(fleet, first, { lines: ['one'], epochs: [{ stage: 'dense', epoch: 0 }] })).toBe(true);
    expect(await swept('lost')).toBe('running'); // It has said that it is there.
    // By the database's clock: that of a worker may be wrong by an hour.
    await fleet.database.query(
      `update espalier.trial set lease = now() - interval '1 s' where study = 'lost'`,
    );
    await fleet.database.query(`update espalier.trial set lease_seconds = 1e6 where study = 'lost'`);
    expect(await swept('lost')).toBe('running'); // The database itself has not been there for that long.
    await fleet.database.query(`update espalier.trial set lease_seconds = 0 where study = 'lost'`);
    await until('the trial to be given back', async () => (await swept('lost')) === 'queued');
    expect(await renew(fleet, first, nothing)).toBe(false);
    expect(await keep(fleet, first, [half])).toBe(false);
    const second = await leased('lost', worker); // After a pause.
    expect(second).toMatchObject({ job: first.job, attempt: 2 });
    expect(await kept(fleet, second)).toEqual([{ path: half.path, hash: hashOf(half.bytes) }]);
    expect(await finish(fleet, first, { double: -1 }, [])).toBe(false);
    expect(await renew(fleet, second, { lines: [], epochs: [{ stage: 'dense', epoch: 0 }] })).toBe(true);
    const file = { path: 'model.esp', bytes: Buffer.from('model') };
    expect(await finish(fleet, second, { double: 14 }, [file])).toBe(true);
    expect(await finish(fleet, second, { double: 14 }, [file])).toBe(true); // Its answer was lost on its way.
    expect(await result).toEqual({ double: 14 });
    const count = async (from: string): Promise<number> =>
      (await fleet.database.query(`select 1 from espalier.${from} where study = 'lost'`)).length;
    expect(await Promise.all(['trial', 'epoch', 'checkpoint', 'file'].map(count))).toEqual([1, 1, 0, 1]);
    const halves = await fleet.database.query('select 1 from espalier.blob where hash = $1', [
      hashOf(half.bytes),
    ]);
    expect(halves).toEqual([]);
  }, 240_000);

  it('a trial that is lost again and again is given up, with its reason', async () => {
    const one = await study('poison');
    const ended = one.run({ n: 1 }, 'Trial 1', folder()).catch((error: Error) => error);
    await asked('poison', 1);
    const worker = '00000000-0000-0000-0000-000000000002';
    // What is left of its retries is taken from the queue, whose pauses would be minutes.
    await fleet.database.query(
      `update espalier_jobs.job set retry_limit = 1, retry_delay = 0 where state = 'created'`,
    );
    for (const left of ['queued', 'failed']) {
      await leased('poison', worker, 0);
      await fleet.database.query(
        `update espalier.trial set lease = now() - interval '1 s' where study = 'poison'`,
      );
      await until(`the trial to be ${left}`, async () => (await swept('poison')) === left);
    }
    expect(await ended).toMatchObject({ message: expect.stringContaining('its worker was lost 2 times') });
  }, 240_000);

  it('fails in passing and is tried again; fails for good, is told with its log, and is retried by hand', async () => {
    const one = await study('failing');
    let tries = 0;
    let mended = false;
    const passing = Object.assign(new Error('the disk is full'), { code: 'passing' });
    const wrong = Object.assign(new Error('no such layer\n  Name one.'), { code: 'bad-recipe' });
    const options = doubling({
      async run(work) {
        const { n } = work.task as { n: number };
        if (n === 1 && tries++ === 0) throw passing;
        if (n === 2 && !mended) throw wrong;
        return doubling().run(work);
      },
    });
    const ended = Promise.allSettled([1, 2].map((n) => one.run({ n }, `Trial ${n}`, folder())));
    await asked('failing', 2);
    expect(await worked(options, ended)).toMatchObject([
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
    mended = true;
    expect(await retry(fleet, 'failing')).toBe(1);
    expect(await worked(options, one.run({ n: 2 }, 'Trial 2', folder()))).toMatchObject({ double: 4 });
  }, 240_000);

  it('is cancelled, at work or not', async () => {
    const one = await study('stopped');
    let heard = false;
    const ended = Promise.allSettled([1, 2].map((n) => one.run({ n }, `Trial ${n}`, folder())));
    await asked('stopped', 2);
    const options = doubling({
      async run({ signal }) {
        await aborted(signal);
        heard = true;
        throw new Error('stopped');
      },
    });
    const cancelled = (async () => {
      await until('a trial that runs', async () =>
        (await states('stopped')).some(({ state }) => state === 'running'),
      );
      expect(await cancel(fleet, 'stopped')).toBe(2);
      return ended;
    })();
    const reasons = [{ reason: { code: 'cancelled' } }, { reason: { code: 'cancelled' } }];
    expect(await worked(options, cancelled)).toMatchObject(reasons);
    expect(heard).toBe(true);
    expect((await states('stopped')).map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  }, 240_000);

  it('is stopped when it has taken too long, and goes on from its checkpoint', async () => {
    const one = await study('late');
    const result = one.run({ n: 5 }, 'Trial 5', folder());
    await asked('late', 1);
    const found: boolean[] = [];
    const options = doubling({
      expiry: 4,
      async run(work) {
        const state = join(work.out, 'checkpoint', 'state.bin');
        found.push(existsSync(state));
        if (found.length > 1) return doubling().run(work);
        mkdirSync(join(work.out, 'checkpoint'));
        writeFileSync(state, 'half');
        await aborted(work.signal);
        throw new Error('its process was ended');
      },
    });
    expect(await worked(options, result)).toMatchObject({ double: 10 });
    expect(found).toEqual([false, true]);
    expect(await states('late')).toEqual([{ state: 'done', attempt: 2 }]);
    expect((await logsOf(fleet, 'late')).map(({ line }) => line)).toContain('It took more than 4 s.');
  }, 240_000);

  it('is refused by name by a worker that cannot run it exactly, and waits for tags', async () => {
    const one = await study('choosy', ['gpu']);
    const result = one.run({ n: 1 }, 'Trial 1', folder());
    await asked('choosy', 1);
    await workFor(fleet, doubling({ idle: 0.5 })); // It has no such tag, so there is nothing for it to do.
    const objection = async (): Promise<string> => 'espalier 2 is here, 1 is asked for';
    const refused = (async () => {
      await until('a refusal', async () => (await one.refusals()).length > 0);
      return [await one.refusals(), await statusOf(fleet), await one.slots()] as const;
    })();
    const [refusals, { studies }, slots] = await worked(
      doubling({ name: 'old', tags: ['gpu'], objection }),
      refused,
    );
    expect(refusals).toEqual([{ worker: 'old', reason: 'espalier 2 is here, 1 is asked for' }]);
    expect(studies.find(({ name }) => name === 'choosy')?.refusals).toEqual(refusals);
    expect(slots).toBe(0);
    expect(await states('choosy')).toEqual([{ state: 'queued', attempt: 0 }]);
    expect(await worked(doubling({ tags: ['gpu', 'big'] }), result)).toMatchObject({ double: 2 });
  }, 240_000);

  it('runs nothing that another key signed, and nothing that was changed in the store', async () => {
    const other = await Fleet.open({ url: postgres.url, key: `${key}, another` });
    const bundle = await putBundle(other, root, ['plugin.mjs'], { needs, folder: 'out' });
    const foreign = await Study.open(other, 'foreign', bundle);
    const ended = Promise.allSettled([foreign.run({ n: 1 }, 'Trial 1', folder())]);
    // The same files signed with both keys are two bundles: a key may be changed.
    const both = await Promise.all(
      [fleet, other].map((of) => putBundle(of, root, ['plugin.mjs'], { needs, folder: 'both' })),
    );
    expect(both[0].id).not.toBe(both[1].id);
    expect((await bundleOf(fleet, both[0].id)).manifest).toEqual(both[0].manifest);
    expect((await bundleOf(other, both[1].id)).manifest).toEqual(both[1].manifest);
    await expect(bundleOf(fleet, both[1].id)).rejects.toMatchObject({ code: 'bad-signature' });
    const one = await study('changed');
    const wrong = Promise.allSettled([one.run({ n: 1 }, 'Trial 1', folder())]);
    await Promise.all([asked('changed', 1), asked('foreign', 1)]);
    await fleet.database.query(`update espalier.trial set task = '{"n": 2}' where study = 'changed'`);
    let ran = 0;
    const run = async (): Promise<number> => ran++;
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const told = (word: string): Promise<unknown> =>
      until(`a log with: ${word}`, async () => lines.join('\n').includes(word));
    const [reasons] = await worked(
      doubling({ run, log }),
      Promise.all([wrong, told('Not foreign: The bundle ')]),
    );
    expect(ran).toBe(0);
    expect(lines.join('\n')).toMatch(/Not foreign: The bundle .* was not signed with this fleet's key/);
    expect(reasons).toMatchObject([{ reason: { message: expect.stringContaining('was not signed') } }]);
    await cancel(fleet, 'foreign');
    await ended;
    // A file that is not what its hash says.
    await fleet.database.query(
      `update espalier.blob set bytes = 'process.exit()' where bytes = 'export const p = 1;'`,
    );
    const damaged = one.run({ n: 3 }, 'Trial 3', folder()).catch((error: Error) => error);
    await worked(doubling({ run, log }), told('does not hold the file'));
    expect(ran).toBe(0);
    await cancel(fleet, 'changed');
    expect(await damaged).toMatchObject({ code: 'cancelled' });
    await fleet.database.query(
      `update espalier.blob set bytes = 'export const p = 1;' where bytes = 'process.exit()'`,
    );
    await other.close();
  }, 240_000);

  it('loses nothing and counts nothing twice while the database goes away and comes back', async () => {
    const one = await study('away');
    const ran = new Map<number, number>();
    const options = doubling({
      slots: 2,
      lease: 3,
      async run(work) {
        const { n } = work.task as { n: number };
        ran.set(n, (ran.get(n) ?? 0) + 1);
        await sleep(150);
        return doubling().run(work);
      },
    });
    const ended = Promise.all(Array.from({ length: 24 }, (_, n) => one.run({ n }, `Trial ${n}`, folder())));
    // Two workers of one name.
    const work = [workFor(fleet, { ...options, name: 'twin' }), workFor(fleet, { ...options, name: 'twin' })];
    for (const signal of ['SIGQUIT', 'SIGINT'] as const) {
      await sleep(700);
      await postgres.down(signal);
      await sleep(500);
      await postgres.up();
    }
    const results = await ended;
    expect(results.map((result) => (result as { double: number }).double)).toEqual(
      Array.from({ length: 24 }, (_, n) => 2 * n),
    );
    expect(await drain(fleet, 'twin')).toBe(2);
    await Promise.all(work);
    const ends = await states('away');
    expect(ends).toHaveLength(24);
    expect(new Set(ends.map(({ state }) => state))).toEqual(new Set(['done']));
    expect(ran.size).toBe(24);
  }, 240_000);

  it('does 48 trivial trials over 8 workers, each once', async () => {
    const one = await study('many');
    const ran: number[] = [];
    const ended = Promise.all(Array.from({ length: 48 }, (_, n) => one.run({ n }, `Trial ${n}`, folder())));
    const run = doubling().run;
    const options = doubling({
      run: (work) => {
        ran.push((work.task as { n: number }).n);
        return run(work);
      },
    });
    await Promise.all(Array.from({ length: 8 }, () => worked(options, ended)));
    expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: 48 }, (_, n) => n));
    expect((await states('many')).every(({ state, attempt }) => state === 'done' && attempt === 1)).toBe(
      true,
    );
  }, 240_000);

  it('a worker that is told how long to wait stays while a trial waits for its next attempt, and while any of its own runs', async () => {
    const one = await study('patient');
    let tries = 0;
    let begun = false;
    const results = Promise.all([1, 2].map((n) => one.run({ n }, `Trial ${n}`, folder())));
    await asked('patient', 2);
    // The pause before a second attempt is a second at least; the worker waits for a tenth of it.
    const idle = 0.1;
    await workFor(
      fleet,
      doubling({
        slots: 2,
        idle,
        async run(work) {
          const { n } = work.task as { n: number };
          if (n === 1 && tries++ === 0) throw Object.assign(new Error('lost'), { code: 'passing' });
          if (n === 2) await until('the other trial', async () => begun);
          begun ||= n === 1;
          return doubling().run(work);
        },
      }),
    );
    expect(await results).toMatchObject([{ double: 2 }, { double: 4 }]);
    expect(await states('patient')).toEqual([
      { state: 'done', attempt: 2 },
      { state: 'done', attempt: 1 },
    ]);
  }, 240_000);

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
  }, 240_000);
});
