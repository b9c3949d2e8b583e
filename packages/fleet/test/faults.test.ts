import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  Fleet,
  logsOf,
  putBundle,
  Study,
  shownUrl,
  statusOf,
  type WorkerOptions,
  workFor,
} from '../src/index.js';
import { Network } from './network.js';
import { called, hasPostgres, Postgres } from './postgres.js';
import { until, working } from './waiting.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const [key, password] = ['a key for tests, as long as it has to be', 'the-word-of-this-database'];

/** What everybody has said: workers, databases, errors. */
const said: string[] = [];
const log = (line: string): void => void said.push(line);

describe.skipIf(!hasPostgres)(`what may go wrong, ${called}`, () => {
  let postgres: Postgres;
  let fleet: Fleet;
  beforeAll(async () => {
    postgres = await Postgres.start({ password, tls: true });
    fleet = await Fleet.open({ url: postgres.url, key, log });
  });
  afterAll(async () => {
    await fleet?.close();
    await postgres?.stop();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  /** Trials of a study, each asked for by its number; how often each was run; how they all end. */
  async function trials(name: string, count: number, size = 10) {
    const root = mkdtempSync(join(tmpdir(), 'espalier-faults-'));
    writeFileSync(join(root, 'recipe.yaml'), 'x'.repeat(size));
    const bundle = await putBundle(fleet, root, ['recipe.yaml'], {
      needs: { backend: 'cpu', versions: {} },
      folder: '',
    });
    const study = await Study.open(fleet, name, bundle);
    const ended = Promise.all(
      Array.from({ length: count }, (_, n) => study.run({ n }, `Trial ${n}`, join(root, `${n}`))),
    );
    ended.catch(() => {});
    await until(`${count} trials`, async () => (await rows('trial', name)) === count);
    const ran = new Map<number, number>();
    const options = (more: Partial<WorkerOptions> = {}): WorkerOptions => ({
      backend: 'cpu',
      log,
      objection: async () => undefined,
      passing: () => false,
      results: ['model.esp'],
      checkpoint: [],
      async run({ task, out, epoch, info }) {
        const { n } = task as { n: number };
        ran.set(n, (ran.get(n) ?? 0) + 1);
        info(`trial ${n}`);
        epoch({ stage: 'dense', epoch: 0, loss: 1 } as never);
        await sleep(200);
        writeFileSync(join(out, 'model.esp'), `model ${n}`);
        return { n };
      },
      ...more,
    });
    /** Nothing is lost, and nothing is counted twice. */
    const expectAll = async (): Promise<void> => {
      expect(await ended).toEqual(Array.from({ length: count }, (_, n) => ({ n })));
      const { studies } = await statusOf(fleet);
      expect(studies.find((one) => one.name === name)).toMatchObject({
        done: count,
        queued: 0,
        running: 0,
        failed: 0,
      });
      expect([await rows('file', name), await rows('epoch', name)]).toEqual([count, count]);
      expect(ran.size).toBe(count);
    };
    return { ended, options, ran, expectAll };
  }
  const rows = async (table: string, study: string): Promise<number> =>
    (await fleet.database.query(`select 1 from espalier.${table} where study = $1`, [study])).length;

  it.each([
    ['and what was on its way arrives late', { forgotten: false }],
    ['and connections are forgotten', { forgotten: true }],
  ])('the network drops for longer than a lease, %s', async (_, how) => {
    const name = `network ${how.forgotten}`;
    const { ended, options, ran, expectAll } = await trials(name, 12);
    const network = await Network.start(postgres.port);
    const url = postgres.url.replace(`:${postgres.port}/`, `:${network.port}/`);
    // A minute is three seconds here, and so are the two of them that an answer is waited for.
    const far = await Fleet.open({ url, key, timeout: 6, log });
    const work = working(far, options({ name: 'far', slots: 2, lease: 2 }), ended);
    await until('trials of the far worker', async () => ran.size >= 3);
    network.drop();
    // Nobody is near for now; then somebody is, and takes what the other has lost.
    await sleep(3000);
    await working(
      fleet,
      options({ name: 'near', lease: 2 }),
      until('more trials', async () => ran.size >= 8),
    );
    network.back(how);
    await work;
    await expectAll();
    await far.close();
    await network.close();
  });

  it('a transaction that stands still is ended by the server, so that nobody who is gone holds locks', async () => {
    const slow = await Fleet.open({ url: postgres.url, key, timeout: 2, patience: 0.1 });
    const still = slow.database.transaction(async (asks) => {
      await asks.query('select 1');
      await sleep(2000);
      await asks.query('select 1');
    });
    await expect(still).rejects.toMatchObject({ code: 'no-database' });
    await slow.close();
  });

  it('the disk of a worker is full: its trials wait, or go to others', async () => {
    const { ended, options, ran, expectAll } = await trials('full', 3, 600_000);
    let full = true;
    const { run } = options();
    const work = working(
      fleet,
      options({
        async run(of) {
          // As writing a checkpoint would say it.
          if (full && (of.task as { n: number }).n === 0) {
            full = false;
            throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
          }
          return run(of);
        },
      }),
      ended,
    );
    await work;
    await expectAll();
    expect((await logsOf(fleet, 'full')).map(({ line }) => line)).toContain(
      'ENOSPC: no space left on device, write',
    );
    expect(ran.get(0)).toBe(1);
  });

  // A disk that is really full can be had by root alone.
  const canMount = process.getuid?.() === 0 && mounted('/tmp', 1);
  it.skipIf(!canMount)(
    `a bundle for which there is no room waits until there is${canMount ? '' : ' (skipped: no tmpfs can be mounted here)'}`,
    async () => {
      const { ended, options, expectAll } = await trials('no room', 1, 600_000);
      const small = mkdtempSync(join(tmpdir(), 'espalier-small-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
      try {
        vi.stubEnv('TMPDIR', small);
        const work = working(fleet, options(), ended);
        await until('a word of it', async () => said.some((line) => /^no room waits: ENOSPC/.test(line)));
        expect((await statusOf(fleet)).studies.find(({ name }) => name === 'no room')).toMatchObject({
          queued: 1,
          refusals: [],
        });
        execFileSync('mount', ['-o', 'remount,size=8m', small]);
        await work;
      } finally {
        execFileSync('umount', ['-l', small]);
      }
      await expectAll();
    },
  );

  it('the disk of the database is full: it is asked again until there is room', async () => {
    const { ended, options, expectAll } = await trials('filled', 4);
    // What PostgreSQL says then, at the worst moment: when a trial ends, and when it says that it is there.
    await fleet.database.query(`create function espalier.full() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`);
    for (const table of ['file', 'epoch']) {
      await fleet.database.query(
        `create trigger full_${table} before insert on espalier.${table} execute function espalier.full()`,
      );
    }
    const before = said.length;
    const work = working(fleet, options({ slots: 2 }), ended);
    await until('a word of it', async () => said.slice(before).some((line) => line.includes('53100')));
    expect(await rows('file', 'filled')).toBe(0);
    await fleet.database.query('drop function espalier.full() cascade');
    await work;
    await expectAll();
  });

  it('clocks are wrong by an hour, and change', async () => {
    const { ended, options, ran, expectAll } = await trials('clocks', 6);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    const work = working(fleet, options({ name: 'one' }), ended);
    await until('trials', async () => ran.size >= 2);
    vi.setSystemTime(Date.now() - 7_200_000);
    await working(fleet, options({ name: 'another' }), ended);
    await work;
    await expectAll();
    // Nobody took another's trial for lost.
    expect([...ran.values()]).toEqual(Array(6).fill(1));
  });

  it('two workers have one name, and one of them is told to stop', async () => {
    const { ended, options, ran, expectAll } = await trials('twins', 8);
    const stop = new AbortController();
    const gone = workFor(fleet, options({ name: 'twin', stop: stop.signal }));
    const work = working(fleet, options({ name: 'twin' }), ended);
    await until('trials', async () => ran.size >= 3);
    expect((await statusOf(fleet)).workers.map(({ name }) => name)).toEqual(['twin', 'twin']);
    stop.abort();
    await gone;
    await work;
    await expectAll();
  });

  describe('TLS', () => {
    // Not of loopback by its address, so TLS is asked for; it leads to this machine.
    const elsewhere = (more = ''): string => `${postgres.url.replace('127.0.0.1', '0.0.0.0')}${more}`;
    const open = async (url: string): Promise<string> => {
      const opened = await Fleet.open({ url, key, patience: 1, log });
      const [{ ssl }] = await opened.database.query<{ ssl: boolean }>(
        'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
      );
      await opened.close();
      return ssl ? 'TLS' : 'plain';
    };
    const refused = async (url: string): Promise<{ code: string; message: string }> => {
      const error = await open(url).then(
        () => ({ code: 'none', message: 'It was let in.' }),
        (error) => error,
      );
      said.push(error.message);
      return error;
    };

    it('is asked for off loopback, with a certificate that is known', async () => {
      expect(await open(postgres.url)).toBe('plain');
      expect(await refused(elsewhere())).toMatchObject({
        code: 'no-database',
        message: expect.stringMatching(/0\.0\.0\.0.*self.signed.*\n.*sslrootcert/s),
      });
      expect(await open(elsewhere(`?sslmode=verify-full&sslrootcert=${postgres.certificate}`))).toBe('TLS');
      // Whoever says so himself goes without.
      expect(await open(elsewhere('?sslmode=disable'))).toBe('plain');
    });

    it('is not got around by a host beside the address, or of the environment', async () => {
      const away = `127.0.0.1:${postgres.port}/postgres?host=0.0.0.0`;
      expect(shownUrl(`postgres://${away}`)).toContain('0.0.0.0');
      expect((await refused(`postgres://espalier:${password}@${away}`)).message).toMatch(/self.signed/);
      vi.stubEnv('PGHOST', '0.0.0.0');
      vi.stubEnv('PGUSER', 'espalier');
      vi.stubEnv('PGPASSWORD', password);
      vi.stubEnv('PGPORT', String(postgres.port));
      expect((await refused('postgres:///postgres')).message).toMatch(/self.signed/);
    });

    it('is asked for in vain of a server that has none', async () => {
      const plain = await Postgres.start();
      const url = plain.url.replace('127.0.0.1', '0.0.0.0');
      expect(await refused(url)).toMatchObject({
        code: 'no-database',
        message: expect.stringContaining('does not support SSL'),
      });
      await plain.stop();
    });
  });

  it('who is not let in hears so; passwords and keys stand in no log, no error and no table', async () => {
    const wrong = 'not-the-word-of-it';
    const error = await Fleet.open({
      url: postgres.url.replace(password, wrong),
      key,
      patience: 1,
      log,
    }).catch((error) => error);
    expect(error).toMatchObject({ code: 'no-database', message: expect.stringContaining('password') });
    const tables = await fleet.database.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) name from pg_tables where schemaname in ('espalier', 'espalier_jobs')`,
    );
    expect(tables.length).toBeGreaterThan(8);
    const kept = await Promise.all(
      tables.map(({ name }) => fleet.database.query<{ text: string }>(`select t::text from ${name} t`)),
    );
    const everything = [...said, error.message, String(error.stack), JSON.stringify(kept)].join('\n');
    expect(everything).toContain('trial 0');
    for (const secret of [key, password, wrong]) expect(everything).not.toContain(secret);
  });
});

/** Whether a small file system can be mounted for a moment. */
function mounted(below: string, megabytes: number): boolean {
  const at = join(mkdtempSync(join(below, 'espalier-mount-')), 'm');
  mkdirSync(at);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', at], { stdio: 'ignore' });
    execFileSync('umount', [at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
