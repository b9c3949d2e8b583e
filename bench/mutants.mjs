// node bench/mutants.mjs packages/codec [src/file.ts …] [--tests WORD,…] [--sample N] [--seed S] [--seconds T] [--slow MS] [--fresh] [--table]
//
// How many faults, put one by one into the algorithmic files of a package, its tests notice. Prints JSON: the score by
// file, and each mutant that survived. `--tests` takes those files of tests alone whose names begin so. A call that ends
// after `--seconds` goes on where it ended when it is made again.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { algorithmic } from './lib/mutants/files.mjs';
import { hunt } from './lib/mutants/hunt.mjs';
import { mutantsOf } from './lib/mutants/instrument.mjs';
import { report, table } from './lib/mutants/report.mjs';

const root = join(import.meta.dirname, '..');
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', default: '' },
    sample: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '540' },
    slow: { type: 'string', default: '5000' },
    fresh: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
  },
});
const [home, ...named] = positionals;
const name = home.replace(/\/$/, '').replace(/^packages\//, '');
const packageDir = join(root, 'packages', name);
const wanted = named.map((file) => file.replace(new RegExp(`^(packages/${name}/)?(src/)?`), ''));
const all = algorithmic(name, packageDir);
const files = all.filter((f) => !wanted.length || wanted.includes(f));
if (!files.length) throw new Error(`No algorithmic files in ${name} of these names: ${wanted.join(', ')}.`);

/** Numbers of 0 to 1 from a seed (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many of a list, in their order. */
function sampled(list, count, seed) {
  const draw = random(seed);
  const ranked = list.map((item, i) => ({ item, i, key: draw() })).sort((a, b) => a.key - b.key);
  const chosen = ranked.slice(0, count).sort((a, b) => a.i - b.i);
  return chosen.map(({ item }) => item);
}

const under = (dir) =>
  readdirSync(dir, { recursive: true })
    .map((file) => join(dir, file))
    .filter((path) => statSync(path).isFile());

const mutants = [];
const sources = new Map(under(join(packageDir, 'src')).map((path) => [path, new Map()]));
let sites = 0;
for (const file of files) {
  const path = join(packageDir, 'src', file);
  const mutantsOfFile = mutantsOf(path, readFileSync(path, 'utf8'));
  for (const mutant of sampled(mutantsOfFile, Number(values.sample), Number(values.seed))) {
    const key = `${mutant.start}:${mutant.end}:${mutant.statement}`;
    const places = sources.get(path);
    if (!places.has(key)) places.set(key, { site: sites++, ways: new Map() });
    const { site, ways } = places.get(key);
    ways.set(mutant.way, mutant.code);
    mutants.push({ ...mutant, id: mutants.length, file, site });
  }
}

const hash = (paths) => {
  const sum = createHash('sha256');
  for (const path of paths.sort()) sum.update(relative(root, path)).update(readFileSync(path));
  return sum.digest('hex').slice(0, 16);
};
const tests = under(join(packageDir, 'test'));
const state = join(root, '.cache/mutants', `${name}.json`);
mkdirSync(join(root, '.cache/mutants'), { recursive: true });
const result = await hunt({
  root,
  dir: join(root, '.cache/mutants', name),
  state,
  key: hash([...sources.keys(), ...tests]),
  fileKeys: Object.fromEntries(all.map((f) => [f, hash([join(packageDir, 'src', f)])])),
  mutants,
  sources,
  sites,
  // Vitest takes files whose paths contain one of these.
  include: values.tests.split(',').map((word) => `packages/${name}/test/${word}`),
  until: Date.now() + 1000 * Number(values.seconds),
  slow: Number(values.slow),
  fresh: values.fresh,
  log: (line) => process.stderr.write(`${line}\n`),
});
const whole = report(name, mutants, result, values);
writeFileSync(join(root, '.cache/mutants', `${name}-report.json`), JSON.stringify(whole, null, 1));
console.log(values.table ? table(whole) : JSON.stringify(whole, null, 1));
process.exit(0);
