/**
 * What it costs to watch a run: LeNet-300-100 on MNIST by the command, not watched, with --watch, with --watch --tensorboard, one
 * after another in rounds, so that what the machine does meanwhile falls on all. Prints JSON: the processor's seconds of each run, and
 * how many times those of the unwatched run of its round, in the median and from the least to the most. `npm run build` first.
 *
 *   node bench/watching.mjs [--rounds 7] [--epochs 4]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, round } from './lib/numbers.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, epochs: { type: 'string', default: '4' } },
});
const home = mkdtempSync(join(tmpdir(), 'espalier-watching-'));
const recipe = join(home, 'recipe.yaml');
writeFileSync(
  recipe,
  `name: watched
data: { name: mnist }
model: lenet-300-100
stages: [{ name: dense, epochs: ${values.epochs} }]
`,
);
const cli = fileURLToPath(new URL('../packages/runner/dist/cli.js', import.meta.url));
const kinds = { unwatched: [], watch: ['--watch'], 'watch and tensorboard': ['--watch', '--tensorboard'] };

/** Seconds of the processor, as the shell tells them of a command. */
function secondsOf(more) {
  const out = join(home, 'run');
  const args = [cli, 'run', recipe, '--out', out, '--backend', 'native', ...more];
  const { status, stderr } = spawnSync(
    'bash',
    ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'run', process.execPath, ...args],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        TF_NUM_INTRAOP_THREADS: '1',
        TF_NUM_INTEROP_THREADS: '1',
        TF_CPP_MIN_LOG_LEVEL: '2',
      },
    },
  );
  if (status !== 0) throw new Error(stderr);
  const looks = existsSync(join(out, 'watch.jsonl'))
    ? readFileSync(join(out, 'watch.jsonl'), 'utf8').trim().split('\n').length
    : 0;
  rmSync(out, { recursive: true });
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { seconds: user + system, looks };
}

const rounds = [];
for (let i = 0; i < Number(values.rounds); i++) {
  const names = Object.keys(kinds);
  // Each comes first as often as the others.
  const order = names.map((_, j) => names[(i + j) % names.length]);
  const one = {};
  for (const name of order) one[name] = secondsOf(kinds[name]);
  rounds.push(one);
  process.stderr.write(`${JSON.stringify(one)}\n`);
}
rmSync(home, { recursive: true });

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const row = { epochs: Number(values.epochs), rounds: rounds.length };
for (const name of Object.keys(kinds)) {
  const seconds = rounds.map((one) => one[name].seconds);
  const ratios = rounds.map((one) => one[name].seconds / one.unwatched.seconds);
  row[name] = {
    seconds: round(median(seconds), 2),
    looks: rounds[0][name].looks,
    ...(name !== 'unwatched' && {
      times: round(median(ratios), 4),
      from: round(sorted(ratios)[0], 4),
      to: round(sorted(ratios).at(-1), 4),
    }),
  };
}
process.stdout.write(`${JSON.stringify(row, null, 2)}\n`);
