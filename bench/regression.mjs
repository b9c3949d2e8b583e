/**
 * Has training become slower? Two commits, each checked out and built in a folder of its own that stays for the next time, run this
 * checkout's benchmark in processes that take turns. Prints JSON: milliseconds of the processor (all threads) a step, least and
 * median of the turns, and `ratio`, new / old: median of the turns' ratios, and of the least times. Exit code 1 where both
 * are above `--limit` for a model.
 *
 *   node bench/regression.mjs <old> [new] [--models mlp,lenet5] [--threads 1] [--turns 8] [--limit 1.1] [--backend native]
 *     [--home folder]
 *
 * `old` and `new` (default HEAD) are commits, tags or branches, or folders with a build.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, round } from './lib/numbers.mjs';
import { startRival } from './lib/rival.mjs';
import { STEPS } from './speed/nets.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'mlp,lenet5' },
    threads: { type: 'string', default: '1' },
    turns: { type: 'string', default: '8' },
    limit: { type: 'string', default: '1.1' },
    backend: { type: 'string', default: 'native' },
    home: { type: 'string', default: join(tmpdir(), 'espalier-regression') },
  },
});
const [older, newer = 'HEAD'] = positionals;
if (older === undefined) throw new Error('Give a commit to compare with: node bench/regression.mjs v0.1.0');
const root = fileURLToPath(new URL('..', import.meta.url));
const batch = 128;

function sh(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} in ${cwd}:\n${stderr || stdout}`);
  return stdout.trim();
}

/** The folder of a build of a commit, with this checkout's benchmark in it. */
function built(what) {
  if (existsSync(what) && statSync(what).isDirectory())
    return { name: what, folder: withBench(resolve(what)) };
  const commit = sh('git', ['rev-parse', '--verify', `${what}^{commit}`], root);
  const folder = join(values.home, commit.slice(0, 12));
  const marker = join(folder, 'node_modules', '.espalier-built');
  if (!existsSync(folder)) sh('git', ['worktree', 'add', '--detach', folder, commit], root);
  if (!existsSync(marker)) {
    process.stderr.write(`building ${what} in ${folder} …\n`);
    sh('npm', ['run', 'build'], folder);
    writeFileSync(marker, '');
  }
  return { name: commit.slice(0, 12), folder: withBench(folder) };
}

/** Copies what is run, beside the commit's own benchmarks. */
function withBench(folder) {
  for (const part of ['speed', join('gpu', 'models.mjs')]) {
    cpSync(join(root, 'bench', part), join(folder, 'bench', '.regression', part), { recursive: true });
  }
  return folder;
}

const sides = { old: built(older), new: built(newer) };
const least = (times) => Math.min(...times);
const results = [];
for (const model of values.models.split(',')) {
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: values.threads };
  const racers = await Promise.all(
    Object.entries(sides).map(async ([side, { folder }]) => {
      const script = join(folder, 'bench', '.regression', 'speed', 'ours.mjs');
      const rival = await startRival(process.execPath, [script, model, values.backend, String(batch)], {
        env,
      });
      return { side, rival, times: [] };
    }),
  );
  for (const { rival } of racers) await rival.ask(STEPS[model]); // Compiles, records, warms up.
  for (let turn = 0; turn < Number(values.turns); turn++) {
    for (const { rival, times } of turn % 2 === 0 ? racers : [...racers].reverse()) {
      times.push((await rival.ask(STEPS[model])).cpu);
    }
  }
  await Promise.all(racers.map(({ rival }) => rival.end()));
  const [before, after] = racers.map(({ times }) => times);
  const figures = (times) => ({ least: round(least(times), 3), median: round(median(times), 3) });
  results.push({
    model,
    cpuMs: { old: figures(before), new: figures(after) },
    ratio: {
      median: round(median(after.map((time, i) => time / before[i])), 3),
      least: round(least(after) / least(before), 3),
    },
  });
}
const [old, now] = [sides.old.name, sides.new.name];
console.log(
  JSON.stringify(
    { benchmark: 'regression', old, new: now, batch, threads: Number(values.threads), results },
    null,
    2,
  ),
);
if (results.some(({ ratio }) => Math.min(ratio.median, ratio.least) > Number(values.limit)))
  process.exitCode = 1;
