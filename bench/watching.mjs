/**
 * What it costs to watch a run: LeNet-300-100 on MNIST by the command, not watched, with --watch, with --watch --tensorboard, in rounds,
 * each run under Node's sampling profiler. Prints JSON: the processor's seconds of each, how often the run was looked at, and the share of
 * the samples of the main thread in which it was being watched: in what looks, writes and packs for it, or in what these call. Seconds of whole runs
 * differ by more than a hundredth from run to run on a machine that others use too; the share does not. `npm run build` first.
 *
 *   node bench/watching.mjs [--rounds 3] [--epochs 8]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, round } from './lib/numbers.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, epochs: { type: 'string', default: '8' } },
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

/** What is done for who watches: methods of Watch and of the event writer, what they call, and their pieces after a wait. */
const watching = /^(#?look|watchTensor|tell|eventBytes|recordBytes|openEvents|begin|tensorsOf)$/;

/** Of the samples that are not idle, the share below such a function. */
function shareOf(profile) {
  const { nodes, samples } = profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const below = new Set();
  const mark = (id, inside) => {
    const node = byId.get(id);
    const now = inside || watching.test(node.callFrame.functionName);
    if (now) below.add(id);
    for (const child of node.children ?? []) mark(child, now);
  };
  mark(nodes[0].id, false);
  const busy = samples.filter((id) => byId.get(id).callFrame.functionName !== '(idle)');
  return busy.filter((id) => below.has(id)).length / busy.length;
}

/** A run: seconds of the processor, as the shell tells them, and what the profiler saw. */
function runOf(more) {
  const [out, profiles] = [join(home, 'run'), join(home, 'profiles')];
  const args = [
    '--cpu-prof',
    `--cpu-prof-dir=${profiles}`,
    cli,
    'run',
    recipe,
    '--out',
    out,
    '--backend',
    'native',
    ...more,
  ];
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
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  const all = readdirSync(profiles).map((name) => JSON.parse(readFileSync(join(profiles, name), 'utf8')));
  const main = all.sort((a, b) => b.samples.length - a.samples.length)[0];
  for (const folder of [out, profiles]) rmSync(folder, { recursive: true });
  return { seconds: user + system, looks, share: shareOf(main) };
}

const rounds = [];
for (let i = 0; i < Number(values.rounds); i++) {
  const names = Object.keys(kinds);
  // Each comes first as often as the others.
  const order = names.map((_, j) => names[(i + j) % names.length]);
  const one = {};
  for (const name of order) one[name] = runOf(kinds[name]);
  rounds.push(one);
  process.stderr.write(`${JSON.stringify(one)}\n`);
}
rmSync(home, { recursive: true });

const row = { epochs: Number(values.epochs), rounds: rounds.length };
for (const name of Object.keys(kinds)) {
  const of = (key) => median(rounds.map((one) => one[name][key]));
  row[name] = { seconds: round(of('seconds'), 2), looks: of('looks'), share: round(of('share'), 5) };
}
process.stdout.write(`${JSON.stringify(row, null, 2)}\n`);
