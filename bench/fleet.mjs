/**
 * What a fleet costs its database, and what it bears. Starts PostgreSQL of Debian's package in a temporary folder, on
 * loopback, without fsync. Prints JSON:
 *
 * - `trials`: so many trivial trials over so many workers: which were lost or counted twice, the database's time for each
 *   (its sessions' active time), and how many a second;
 * - `epochs`: the same with so many epochs told by each trial, and what each adds;
 * - `kills`: a search of short trainings in processes, with so many `kill -9` of workers and of the database's at random
 *   moments, and whether the results are those of an undisturbed one, settings and bytes.
 *
 *   node bench/fleet.mjs [--trials 1000] [--workers 8] [--epochs 20] [--trainings 60] [--kills 20] [--database-kills 3] [--seed 1]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Fleet, putBundle, Study, workFor } from '@espalier/fleet';
import { round } from './lib/numbers.mjs';

const { values: options } = parseArgs({
  options: Object.fromEntries(
    Object.entries({
      trials: 1000,
      workers: 8,
      epochs: 20,
      trainings: 60,
      kills: 20,
      'database-kills': 3,
      seed: 1,
    }).map(([name, value]) => [name, { type: 'string', default: String(value) }]),
  ),
});
const count = (name) => Number(options[name]);

const { createJiti } = createRequire(new URL('../packages/runner/package.json', import.meta.url))('jiti');
const { Postgres } = await createJiti(import.meta.url).import('../packages/fleet/test/postgres.ts');
const cli = fileURLToPath(new URL('../packages/runner/bin/espalier.js', import.meta.url));
const key = 'a key for a benchmark, as long as it has to be';
const home = mkdtempSync(join(tmpdir(), 'espalier-bench-fleet-'));

let state = count('seed');
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

/** What sessions of the database have been at work, in milliseconds. */
async function active(fleet) {
  await fleet.database.query('select pg_stat_force_next_flush()');
  await sleep(1500); // Sessions tell of it once a second.
  const [{ ms }] = await fleet.database.query(
    `select active_time ms from pg_stat_database where datname = current_database()`,
  );
  return Number(ms);
}

async function trivial(postgres, name, epochs) {
  const open = () => Fleet.open({ url: postgres.url, key, connections: 3 });
  const fleet = await open();
  writeFileSync(join(home, 'trial.txt'), name);
  const needs = { backend: 'none', versions: {} };
  const bundle = await putBundle(fleet, home, ['trial.txt'], { needs, folder: '' });
  const study = await Study.open(fleet, name, bundle);
  const before = await active(fleet);
  const began = performance.now();
  const ran = new Map();
  const asked = Array.from({ length: count('trials') }, (_, n) =>
    study.run({ n }, `${n}`, join(home, name, `${n}`)),
  );
  const workers = await Promise.all(Array.from({ length: count('workers') }, open));
  const work = workers.map((own) =>
    workFor(own, {
      backend: 'none',
      idle: 2,
      objection: async () => undefined,
      passing: () => false,
      results: ['model.esp'],
      checkpoint: [],
      async run({ task, out, epoch }) {
        ran.set(task.n, (ran.get(task.n) ?? 0) + 1);
        for (let i = 0; i < epochs; i++) epoch({ stage: 'dense', epoch: i, loss: 1 / (i + 1), seconds: 1 });
        writeFileSync(join(out, 'model.esp'), `model ${task.n}`);
        return { n: task.n };
      },
    }),
  );
  const results = await Promise.all(asked);
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(work);
  const [{ queries, milliseconds }] = [
    workers.reduce(
      (sum, { database: { spent } }) => ({
        queries: sum.queries + spent.queries,
        milliseconds: sum.milliseconds + spent.milliseconds,
      }),
      { ...fleet.database.spent },
    ),
  ];
  const after = await active(fleet);
  for (const own of workers) await own.close();
  const trials = count('trials');
  const done = await fleet.database.query(
    `select count(*) filter (where state = 'done') done, count(*) filter (where attempt > 1) again from espalier.trial where study = $1`,
    [name],
  );
  await fleet.close();
  return {
    trials,
    workers: count('workers'),
    epochs,
    lost: results.filter((result, n) => result?.n !== n).length + (trials - Number(done[0].done)),
    twice: [...ran.values()].filter((times) => times > 1).length + Number(done[0].again),
    databaseMsPerTrial: round((after - before) / trials, 2),
    waitedMsPerTrial: round(milliseconds / trials, 2),
    queriesPerTrial: round(queries / trials, 1),
    trialsPerSecond: round(trials / seconds, 1),
  };
}

const rows = Array.from(
  { length: 200 },
  (_, i) => `${(i * 7) % 50},${(i * 13) % 31},${i % 3 ? 'yes' : 'no'}`,
);
writeFileSync(join(home, 't.csv'), `a,b,kind\n${rows.join('\n')}\n`);
writeFileSync(
  join(home, 'recipe.yaml'),
  `name: short
seed: 3
data: { csv: t.csv, target: kind, batchSize: 16 }
model: { layers: [{ dense: { units: 16, activation: relu } }, { dense: { units: 2, activation: softmax } }] }
stages:
  - { name: dense, epochs: 20, learningRate: 0.02 }
  - { name: more, epochs: 20, learningRate: 0.01 }
search:
  paths:
    stages.dense.learningRate: { from: 0.001, to: 0.1, scale: log }
    stages.more.learningRate: { from: 0.001, to: 0.1, scale: log }
`,
);

function started(args, env) {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: home,
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
  const end = new Promise((done) => child.once('close', (code) => done(code)));
  return { child, end };
}

/** Settings and bytes of each trial. */
function outcomeOf(out) {
  const { trials } = JSON.parse(readFileSync(join(home, out, 'search.json'), 'utf8'));
  return trials
    .sort((a, b) => a.trial - b.trial)
    .map(({ trial, values, error, bytes }) => {
      const file = readFileSync(join(home, out, 'trials', `${trial}-0`, 'model.esp'));
      return [trial, values, error, bytes, createHash('sha256').update(file).digest('hex')];
    });
}

async function kills(postgres) {
  const env = { ESPALIER_FLEET: postgres.url, ESPALIER_FLEET_KEY: key };
  const search = ['search', 'recipe.yaml', '--trials', options.trainings, '--backend', 'cpu'];
  const plain = started([...search, '--parallel', '2', '--out', 'alone']);
  if ((await plain.end) !== 0) throw new Error('the undisturbed search failed');
  const began = performance.now();
  const far = started([...search, '--fleet', postgres.url, '--out', 'far'], env);
  let over = false;
  far.end.then(() => {
    over = true;
  });
  const worker = () => started(['worker', '--backend', 'cpu', '--lease', '5', '--name', 'one'], env);
  const workers = [worker(), worker()];
  const fleet = await Fleet.open({ url: postgres.url, key });
  const done = async () => {
    const [{ n }] = await fleet.database.query(
      `select count(*) n from espalier.trial t join espalier.study s on s.name = t.study
       where s.name like 'short-%' and state = 'done'`,
    );
    return Number(n);
  };
  const total = count('trainings');
  const all = [
    ...Array(count('kills')).fill('worker'),
    ...Array(count('database-kills')).fill('database'),
  ].sort(() => random() - 0.5);
  let [killed, fallen] = [0, 0];
  for (const [i, what] of all.entries()) {
    // Spread over the search by how much of it is done, at a random moment then.
    while (!over && (await done()) < (i / all.length) * total * 0.9) await sleep(200);
    await sleep(1500 * random());
    if (over) break;
    if (what === 'database') {
      await postgres.down('SIGQUIT');
      await sleep(1000);
      await postgres.up();
      fallen++;
      continue;
    }
    const at = Math.floor(random() * workers.length);
    workers[at].child.kill('SIGKILL');
    await workers[at].end;
    workers[at] = worker();
    killed++;
  }
  const code = await far.end;
  const seconds = (performance.now() - began) / 1000;
  for (const { child } of workers) child.kill('SIGKILL');
  const [{ attempts, trials }] = await fleet.database.query(
    `select sum(attempt) attempts, count(*) trials from espalier.trial t where study like 'short-%'`,
  );
  await fleet.close();
  const same = JSON.stringify(outcomeOf('far')) === JSON.stringify(outcomeOf('alone'));
  return {
    trainings: total,
    workersKilled: killed,
    databaseKilled: fallen,
    code,
    trials: Number(trials),
    attempts: Number(attempts),
    same,
    seconds: round(seconds, 0),
  };
}

const postgres = await Postgres.start();
try {
  const result = { benchmark: 'fleet', node: process.version };
  const fleet = await Fleet.open({ url: postgres.url, key });
  [{ version: result.database }] = await fleet.database.query('select version()');
  await fleet.close();
  if (count('trials') > 0) {
    result.trials = await trivial(postgres, 'plain', 0);
    result.epochs = await trivial(postgres, 'epochs', count('epochs'));
    const more = result.epochs.databaseMsPerTrial - result.trials.databaseMsPerTrial;
    result.databaseMsPerEpoch = round(more / count('epochs'), 3);
  }
  if (count('trainings') > 0) result.kills = await kills(postgres);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  await postgres.stop();
  rmSync(home, { recursive: true, force: true });
}
