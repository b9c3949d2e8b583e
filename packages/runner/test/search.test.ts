import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { commonStages } from '../src/pipeline/search/prefix.js';
import { ranked, type Trial } from '../src/pipeline/search/rank.js';
import { rungsOf, shortened } from '../src/pipeline/search/rungs.js';
import { searchRecipe } from '../src/pipeline/search/search.js';
import { coordinates, valuesOf } from '../src/pipeline/search/space.js';
import { loadRecipe } from '../src/recipe/load.js';
import { folder, tinyCifar } from './fixtures.js';

describe('the values of trials', () => {
  it('cover a square evenly when quasi-random, better than random ones do', () => {
    const empty = (strategy: 'random' | 'quasi-random'): number => {
      const boxes = new Set<string>();
      for (let trial = 0; trial < 64; trial++) {
        const u = coordinates(strategy, 2, trial, 3);
        expect(u.every((x) => x >= 0 && x < 1)).toBe(true);
        boxes.add(u.map((x) => Math.floor(5 * x)).join());
      }
      return 25 - boxes.size;
    };
    expect(empty('quasi-random')).toBe(0);
    expect(empty('random')).toBeGreaterThan(0);
  });

  it('lie in their ranges, on their scales, and depend on seed and trial alone', () => {
    const paths = {
      log: { from: 1e-4, to: 1, scale: 'log' as const },
      whole: { from: 2, to: 5, integer: true },
      either: { choices: ['a', { b: 1 }] },
    };
    const trials = Array.from({ length: 60 }, (_, trial) => valuesOf({ paths }, trial, 1));
    const logs = trials.map(({ log }) => log as number);
    expect(logs.every((x) => x >= 1e-4 && x <= 1)).toBe(true);
    expect(logs.filter((x) => x < 1e-2).length).toBeGreaterThan(20);
    expect(new Set(trials.map(({ whole }) => whole))).toEqual(new Set([2, 3, 4, 5]));
    expect(trials.filter(({ either }) => either === 'a').length).toBeGreaterThan(20);
    expect(valuesOf({ paths }, 5, 1)).toEqual(trials[5]);
    expect(valuesOf({ paths }, 5, 2)).not.toEqual(trials[5]);
  });
});

const recipe = {
  name: 'x',
  data: { name: 'mnist' },
  model: 'lenet-5',
  stages: [
    { name: 'dense', epochs: 9 },
    { name: 'retrain', epochs: 18, schedules: [{ plugin: 'prior', start: 9, end: 18 }] },
    { name: 'snap', plugin: 'prior' },
  ],
};

describe('rounds', () => {
  it('halve the trials and lengthen the training', () => {
    expect(rungsOf('halving', 9)).toEqual([
      { trials: 9, share: 1 / 9 },
      { trials: 3, share: 1 / 3 },
      { trials: 1, share: 1 },
    ]);
    expect(rungsOf('halving', 2)).toEqual([{ trials: 2, share: 1 }]);
    expect(rungsOf('random', 9)).toEqual([{ trials: 9, share: 1 }]);
  });

  it('shorten stages and the schedules in them', () => {
    const [dense, retrain, snap] = shortened(recipe, 1 / 3).stages;
    expect(dense).toEqual({ name: 'dense', epochs: 3 });
    expect(retrain).toEqual({
      name: 'retrain',
      epochs: 6,
      schedules: [{ plugin: 'prior', start: 3, end: 6 }],
    });
    expect(snap).toEqual(recipe.stages[2]);
    const tiny = shortened(recipe, 1 / 18).stages[1] as { schedules: { start: number; end: number }[] };
    expect(tiny.schedules[0]).toMatchObject({ start: 0, end: 1 });
  });
});

it('stages that no path touches are run once', () => {
  expect(commonStages(recipe, ['plugins.prior.options.tau'])).toBe(1);
  expect(commonStages(recipe, ['stages.retrain.epochs'])).toBe(1);
  expect(commonStages(recipe, ['stages.dense.epochs'])).toBe(0);
  expect(commonStages(recipe, ['data.batchSize'])).toBe(0);
});

it('ranks by size within the limit, by error beyond it', () => {
  const trial = (n: number, error: number, bytes: number): Trial => ({
    trial: n,
    rung: 0,
    values: {},
    error,
    bytes,
    seconds: 0,
  });
  const trials = [
    trial(0, 0.02, 500),
    trial(1, 0.05, 10),
    trial(2, 0.015, 900),
    { ...trial(3, 1, 0), failed: 'NaN' },
  ];
  expect(ranked(trials, 0.02).map((t) => t.trial)).toEqual([0, 2, 1, 3]);
  expect(ranked(trials).map((t) => t.trial)).toEqual([2, 0, 1, 3]);
});

describe('on small pictures', () => {
  let home: string;
  let file: string;
  let backend: Awaited<ReturnType<typeof startBackend>>;

  beforeAll(async () => {
    backend = await startBackend({ prefer: 'cpu' });
    home = folder();
    file = join(home, 'recipe.yaml');
    writeFileSync(
      file,
      `name: tiny
seed: 7
data: { name: cifar10, dir: ${tinyCifar(join(home, 'data'), 30)}, validation: 50, batchSize: 25 }
model:
  layers:
    - averagePooling2d: { poolSize: 8 }
    - flatten: {}
    - dense: { units: 10, activation: softmax }
plugins:
  prior:
    use: '@espalier/priors-gmm#gaussianMixturePrior'
    options: { components: 6, tau: 0.01, rates: { means: 0.01, precisions: 0.05, shares: 0.05 } }
stages:
  - { name: dense, epochs: 3, learningRate: 0.05 }
  - { name: retrain, epochs: 2, learningRate: 0.01, schedules: [{ plugin: prior }] }
  - { name: snap, plugin: prior }
  - { name: tune, epochs: 1, learningRate: 0.001 }
search:
  maxError: 0.95
  paths:
    plugins.prior.options.tau: { from: 0.001, to: 1, scale: log }
`,
    );
  });

  it('a run with the prior has its pictures in the report and as a GIF', async () => {
    const out = join(home, 'run');
    const report = await runRecipe(await loadRecipe(file), { out, backend });
    expect(report.figures?.map(({ kind }) => kind)).toEqual(['joint', 'histograms']);
    const gif = readFileSync(join(out, 'figure-1.gif'));
    expect(gif.subarray(0, 6).toString()).toBe('GIF89a');
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('class="frame"');
    expect(report.stages.map(({ kind }) => kind)).toEqual(['train', 'train', 'quantize', 'train']);
    expect(report.compressed.nonzero).toBeLessThan(report.dense.nonzero);
  });

  it('a search is resumed, writes table, plot and the best recipe, and that recipe runs', async () => {
    const out = join(home, 'search');
    const loaded = await loadRecipe(file);
    const first = await searchRecipe(loaded, { out, trials: 2, backend });
    expect(first.trials).toHaveLength(2);
    await expect(searchRecipe(loaded, { out, trials: 3, backend })).rejects.toMatchObject({
      code: 'out-taken',
    });
    const found = await searchRecipe(loaded, { out, trials: 3, resume: true, backend });
    expect(found.trials.slice(0, 2)).toEqual(first.trials);
    expect(found.trials).toHaveLength(3);
    const least = Math.min(...found.trials.filter(({ error }) => error <= 0.95).map(({ bytes }) => bytes));
    expect(found.best.bytes).toBe(least);
    expect(readFileSync(join(out, 'search.html'), 'utf8')).toContain('(best)');
    expect(existsSync(join(out, 'common', 'report.json'))).toBe(true);
    const best = await loadRecipe(found.recipe);
    expect(best.recipe.plugins?.prior.options).toMatchObject({ tau: Object.values(found.best.values)[0] });
    expect(best.recipe.search).toBeUndefined();
    expect(best.recipe.stages).toHaveLength(4);
  });
});
