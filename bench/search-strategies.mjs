/**
 * Strategies of `espalier search` on known functions, against Optuna's TPE in the same run where `python3` has it: the
 * least value of so many trials, over many seeds. Prints JSON: medians and quartiles.
 *
 *   pip install optuna; node bench/search-strategies.mjs [--trials 100] [--seeds 60]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { strategyOf } from '@espalier/runner';

const { values: options } = parseArgs({
  options: { trials: { type: 'string', default: '100' }, seeds: { type: 'string', default: '60' } },
});
const [trials, seeds] = [Number(options.trials), Number(options.seeds)];

/** Dixon & Szego 1978. Least: 0.397887. */
const branin = ({ x, y }) =>
  (y - (5.1 * x ** 2) / (4 * Math.PI ** 2) + (5 * x) / Math.PI - 6) ** 2 +
  10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
  10;

const a = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const p = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];
/** Hartmann 6. Least: -3.32237. */
const hartmann = (values) => {
  const x = Object.values(values);
  return -[1, 1.2, 3, 3.2].reduce(
    (sum, c, i) => sum + c * Math.exp(-a[i].reduce((s, w, j) => s + w * (x[j] - p[i][j]) ** 2, 0)),
    0,
  );
};

const functions = {
  branin: { of: branin, paths: { x: { from: -5, to: 10 }, y: { from: 0, to: 15 } } },
  hartmann6: {
    of: hartmann,
    paths: Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`x${i}`, { from: 0, to: 1 }])),
  },
};

function least(kind, { of, paths }, seed) {
  const done = [];
  const strategy = strategyOf({
    search: { strategy: kind, paths },
    trials,
    seed,
    rank: (some) => [...some].sort((one, other) => one.error - other.error),
    aims: ({ error }) => [error, 0],
    earlier: [],
  });
  for (;;) {
    const asked = strategy.next({ done, pending: [] });
    if (typeof asked === 'string') return Math.min(...done.map(({ error }) => error));
    done.push({ ...asked, error: of(asked.values), bytes: 1, seconds: 0 });
  }
}

const quartiles = (values) => {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share) => Number(sorted[Math.round(share * (sorted.length - 1))].toFixed(4));
  const mean = Number((values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(4));
  return { median: at(0.5), quarter: at(0.25), threeQuarters: at(0.75), mean };
};

const result = { benchmark: 'search-strategies', trials, seeds };
for (const [name, one] of Object.entries(functions)) {
  const all = Array.from({ length: seeds }, (_, seed) => seed);
  result[name] = Object.fromEntries(
    ['random', 'quasi-random', 'tpe'].map((kind) => [
      kind,
      quartiles(all.map((seed) => least(kind, one, seed))),
    ]),
  );
}
const script = fileURLToPath(new URL('lib/optuna-tpe.py', import.meta.url));
const { stdout, status } = spawnSync('python3', [script, String(trials), String(seeds)], {
  encoding: 'utf8',
});
if (status === 0) {
  const { version, ...found } = JSON.parse(stdout);
  result.optuna = version;
  for (const [name, values] of Object.entries(found)) result[name].optuna = quartiles(values);
} else result.optuna = 'not installed for python3: pip install optuna';
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
