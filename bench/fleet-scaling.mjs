/**
 * Where one PostgreSQL ends. Measures what a fleet's messages cost a database in CPU time (that of its processes, so other work of
 * the machine does not count), then simulates fleets of growing size that ask a database of so many cores, each request waiting for its turn.
 * Prints JSON:
 *
 * - `cost`: CPU milliseconds of a trial (asked for, leased, ended with one small file, fetched), of an epoch told, of a lease renewed, of a
 *   look for work that finds none;
 * - `fleets`: for trials of so many seconds with an epoch each second, the largest fleet (a power of two) whose requests wait 100 ms at
 *   most (the 99th percentile), its trials a second, and how much of the database is at work then.
 *
 *   node bench/fleet-scaling.mjs [--trials 400] [--cores 4] [--seconds 1,10,60,600] [--seed 1]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Fleet, putBundle, Study, workFor } from '@espalier/fleet';
import { round } from './lib/numbers.mjs';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '400' },
    cores: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '1,10,60,600' },
    seed: { type: 'string', default: '1' },
  },
});
const [trials, cores] = [Number(values.trials), Number(values.cores)];
const { createJiti } = createRequire(new URL('../packages/runner/package.json', import.meta.url))('jiti');
const { Postgres } = await createJiti(import.meta.url).import('../packages/fleet/test/postgres.ts');
const key = 'a key for a benchmark, as long as it has to be';
const tick = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU milliseconds of a process and of those below it, ended ones included. */
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return (1000 * own) / tick + children.reduce((sum, child) => sum + cpu(child), 0);
}

async function measured() {
  const postgres = await Postgres.start();
  const home = mkdtempSync(join(tmpdir(), 'espalier-bench-scaling-'));
  const fleet = await Fleet.open({ url: postgres.url, key, connections: 3 });
  try {
    writeFileSync(join(home, 'trial.txt'), 'x');
    const needs = { backend: 'none', versions: {} };
    const bundle = await putBundle(fleet, home, ['trial.txt'], { needs, folder: '' });
    const cost = async (times, what) => {
      const before = cpu(postgres.pid);
      await what();
      return (cpu(postgres.pid) - before) / times;
    };
    const study = async (name, epochs) => {
      const opened = await Study.open(fleet, name, bundle);
      const drain = new AbortController();
      const asked = Array.from({ length: trials }, (_, n) =>
        opened.run({ n }, `${n}`, join(home, name, `${n}`)),
      );
      const work = workFor(fleet, {
        backend: 'none',
        drain: drain.signal,
        objection: async () => undefined,
        passing: () => false,
        results: ['model.esp'],
        checkpoint: [],
        async run({ task, out, epoch }) {
          for (let i = 0; i < epochs; i++) epoch({ stage: 'dense', epoch: i, loss: 1 / (i + 1), seconds: 1 });
          writeFileSync(join(out, 'model.esp'), `model ${task.n}`);
          return { n: task.n };
        },
      });
      await Promise.all(asked);
      drain.abort();
      await work;
    };
    const trial = await cost(trials, () => study('plain', 0));
    const told = await cost(trials, () => study('epochs', 50));
    const ask = (text) => async () => {
      for (let i = 0; i < 4000; i++) await fleet.database.query(text);
    };
    const look = await cost(
      4000,
      ask(`select s.name, s.bundle from espalier.study s where s.tags <@ '{}' and exists (
        select 1 from espalier.trial t where t.study = s.name and t.state = 'queued') order by s.made`),
    );
    const renew = await cost(4000, async () => {
      for (let i = 0; i < 4000; i++) {
        await fleet.database.transaction((asks) =>
          asks.query(
            `update espalier.trial set lease = now() where study = 'plain' and name = '1' and state = 'done' returning 1`,
          ),
        );
      }
    });
    return { trial, epoch: (told - trial) / 50, look, renew };
  } finally {
    await fleet.close();
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** A fleet at work, for long enough: requests are served in order by the cores of the database. */
function simulated(cost, workers, seconds) {
  let state = Number(values.seed);
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  // Each worker: a trial's requests at its end, and every five seconds a renewal with the epochs since.
  const events = new Heap();
  const free = Array(cores).fill(0);
  for (let i = 0; i < workers; i++) events.push({ at: random() * seconds, left: seconds * random() });
  const span = Math.max(60, 3 * seconds);
  const waits = [];
  let [busy, ended] = [0, 0];
  for (;;) {
    const { at, left } = events.pop();
    if (at > span) break;
    const core = free.indexOf(Math.min(...free));
    const step = Math.min(5, left);
    const ends = left <= 0;
    const need = (ends ? cost.trial + cost.look : cost.renew + step * cost.epoch) / 1000;
    const begins = Math.max(at, free[core]);
    free[core] = begins + need;
    waits.push(begins - at);
    busy += need;
    ended += ends ? 1 : 0;
    // A tenth more or less: no two trials are alike.
    events.push(
      ends
        ? { at: free[core] + Math.min(5, seconds), left: seconds * (0.9 + 0.2 * random()) - 5 }
        : { at: free[core] + step, left: left - 5 },
    );
  }
  waits.sort((a, b) => a - b);
  return {
    workers,
    trialsPerSecond: round(ended / span, 1),
    busy: round(busy / span / cores, 3),
    wait99: round(1000 * waits[Math.floor(0.99 * waits.length)], 1),
  };
}

/** What comes next first. */
class Heap {
  #items = [];
  push(item) {
    const items = this.#items;
    let i = items.push(item) - 1;
    for (; i > 0 && items[(i - 1) >> 1].at > item.at; i = (i - 1) >> 1) items[i] = items[(i - 1) >> 1];
    items[i] = item;
  }
  pop() {
    const items = this.#items;
    const [first, last] = [items[0], items.pop()];
    if (items.length === 0) return first;
    let i = 0;
    for (;;) {
      let next = 2 * i + 1;
      if (next >= items.length) break;
      if (next + 1 < items.length && items[next + 1].at < items[next].at) next++;
      if (items[next].at >= last.at) break;
      items[i] = items[next];
      i = next;
    }
    items[i] = last;
    return first;
  }
}

const cost = await measured();
const fleets = values.seconds.split(',').map((text) => {
  const seconds = Number(text);
  let last;
  for (let workers = 16; workers <= 2 ** 17; workers *= 2) {
    const now = simulated(cost, workers, seconds);
    if (now.wait99 > 100) break;
    last = now;
  }
  return { seconds, ...last };
});
const shown = Object.fromEntries(Object.entries(cost).map(([name, ms]) => [name, round(ms, 3)]));
process.stdout.write(
  `${JSON.stringify({ benchmark: 'fleet-scaling', cores, trials, cost: shown, fleets }, null, 2)}\n`,
);
