import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { parseReport, type Report, summarize } from '@espalier/report';
import { parseYaml, plainSource } from '@espalier/yaml';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { flowers, write } from '../../datasets/test/made.js';
import { cli } from '../src/command-line.js';
import { silent } from '../src/pipeline/listener.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { boundOf, ranked, type Trial } from '../src/pipeline/search/rank.js';
import { searchRecipe } from '../src/pipeline/search/search.js';
import { loadRecipe, resolveRecipe } from '../src/recipe/load.js';
import { folder } from './fixtures.js';

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
});

const table = (target: string): string =>
  `data: { csv: t.csv, target: ${target}, standardize: all, batchSize: 8, validation: 8, test: 8 }`;
const net = (units: number, activation: string): string => `model:
  layers:
    - dense: { units: 8, activation: relu }
    - dense: { units: ${units}, activation: ${activation} }
`;

/** Writes a recipe over a table of flowers. */
function recipe(home: string, head: string, model: string, stages: string): string {
  flowers(join(home, 't.csv'));
  return write(join(home, 'recipe.yaml'), `name: own\nseed: 3\n${head}\n${model}stages:\n${stages}`);
}

async function said(args: readonly string[]): Promise<string> {
  let text = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    expect(await cli([...args])).toBe(0);
  } finally {
    spy.mockRestore();
  }
  return text;
}

const lines = (out: string): Record<string, unknown>[] =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

it('labels that are numbers: no accuracy anywhere; keepBest and early stopping follow the goal', async () => {
  const home = folder();
  const file = recipe(
    home,
    `${table('price')}\nmetrics: [rmse, r2]\ngoal: rmse`,
    net(1, 'linear'),
    '  - { name: dense, epochs: 6, learningRate: 0.05, keepBest: true }\n  - { name: share, use: "@espalier/quantize-kmeans#kmeans", options: { clusters: 8 }, parameters: "**/kernel" }\n',
  );
  const out = join(home, 'out');
  const goals: unknown[] = [];
  const listener = { ...silent, epoch: (_: unknown, __: number, goal: unknown) => goals.push(goal) };
  const report = await runRecipe(await loadRecipe(file), { out, backend, listener: listener as never });
  const kept = parseReport(readFileSync(join(out, 'report.json'), 'utf8'));
  for (const { accuracy, error, metrics } of [kept.dense, kept.compressed]) {
    expect([accuracy, error]).toEqual([null, null]);
    expect(Object.keys(metrics!)).toEqual(['rmse', 'r2']);
  }
  expect(kept.dense.metrics!.rmse).toBeCloseTo(Math.sqrt(kept.dense.loss!), 5);
  expect(kept.goal).toEqual({ metric: 'rmse', better: 'lower' });
  expect(goals[0]).toEqual({ metric: 'rmse', better: 'lower' });
  const epochs = lines(out);
  expect(epochs.some((line) => 'validationAccuracy' in line)).toBe(false);
  const measured = epochs.map((line) => (line.validationMetrics as { rmse: number }).rmse);
  expect(report.stages[0].metrics!.rmse).toBeCloseTo(Math.min(...measured), 6);
  const page = readFileSync(join(out, 'report.html'), 'utf8');
  for (const text of [page, summarize(report)]) {
    expect(text).not.toMatch(/accuracy/i);
    expect(text).toContain('rmse');
    expect(text).toContain('r2');
  }
});

it('classes: F1 of each class, by which the best epoch is kept; accuracy beside it', async () => {
  const home = folder();
  const file = recipe(
    home,
    `${table('kind')}\nmetrics: [f1, { name: recall, class: 1 }, auc]\ngoal: f1`,
    net(2, 'softmax'),
    '  - { name: dense, epochs: 4, learningRate: 0.03, keepBest: true, earlyStopping: { patience: 4 } }\n',
  );
  const out = join(home, 'out');
  const report = await runRecipe(await loadRecipe(file), { out, backend });
  expect(Object.keys(report.compressed.metrics!)).toEqual(['f1', 'recall(1)', 'auc']);
  expect(report.classes).toEqual(['daisy', 'rose']);
  expect(report.compressed.perClass!.f1).toHaveLength(2);
  expect(report.compressed.accuracy! + report.compressed.error!).toBe(1);
  const best = Math.max(...lines(out).map((line) => (line.validationMetrics as { f1: number }).f1));
  expect(report.stages[0].metrics!.f1).toBeCloseTo(best, 12);
  expect(report.stages[0].accuracy).toBeGreaterThan(0);
});

it('where nobody asks, a report of classes says what it said', async () => {
  const home = folder();
  const file = recipe(home, table('kind'), net(2, 'softmax'), '  - { name: dense, epochs: 1 }\n');
  const report = await runRecipe(await loadRecipe(file), { out: join(home, 'out'), backend });
  expect(Object.keys(report.compressed).slice(0, 5)).toEqual([
    'accuracy',
    'error',
    'loss',
    'parameters',
    'nonzero',
  ]);
  for (const key of ['goal', 'measures', 'classes']) expect(report).not.toHaveProperty(key);
  expect(report.stages[0]).toHaveProperty('accuracy');
  for (const key of ['loss', 'metrics']) expect(report.stages[0]).not.toHaveProperty(key);
});

it('functions in TypeScript are losses and metrics', async () => {
  const home = folder();
  flowers(join(home, 't.csv'));
  const largest = (labels: tf.Tensor, outputs: tf.Tensor): tf.Tensor =>
    tf.max(tf.abs(tf.sub(labels, outputs)), 1);
  const loaded = resolveRecipe(
    {
      name: 'code',
      data: { csv: join(home, 't.csv'), target: 'price', standardize: 'all', batchSize: 8 },
      model: { layers: [{ dense: { units: 1 } }] },
      loss: (labels: tf.Tensor, outputs: tf.Tensor) => tf.mean(tf.squaredDifference(labels, outputs)),
      metrics: [largest, 'mae'],
      goal: { metric: 'largest', better: 'lower' },
      stages: [{ name: 'dense', epochs: 3, learningRate: 0.1, keepBest: true }],
    },
    plainSource(join(home, 'recipe.ts')),
  );
  const report = await runRecipe(loaded, { out: join(home, 'out'), backend });
  expect(report.compressed.metrics!.largest).toBeCloseTo(report.compressed.metrics!.mae!, 6); // one value an example
  expect(report.goal).toEqual({ metric: 'largest', better: 'lower' });
});

it('labels that are numbers of classes, from a factory and a folder of arrays: a class for each position', async () => {
  const model = () =>
    tfl.sequential({
      layers: [tfl.layers.dense({ name: 'out', units: 3, activation: 'softmax', inputShape: [4, 2] })],
    });
  const batches = () => [
    {
      inputs: tf.ones([2, 4, 2]),
      labels: tf.tensor2d(
        [
          [0, 1, 2, 0],
          [1, 1, 0, 2],
        ],
        [2, 4],
        'int32',
      ),
    },
  ];
  const recipe = {
    name: 'words',
    data: () => ({ train: batches, validation: batches, test: batches }),
    model,
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['perplexity', 'accuracy'],
    goal: 'perplexity',
    stages: [{ name: 'dense', epochs: 2 }],
  };
  const home = folder();
  const run = (more: object, out: string) =>
    runRecipe(resolveRecipe({ ...recipe, ...more }, plainSource(join(home, 'r.ts'))), {
      out: join(home, out),
      backend,
    });
  const report = await run({}, 'a');
  expect(report.compressed.metrics!.perplexity).toBeCloseTo(Math.exp(report.compressed.loss!), 4);
  await expect(run({ loss: 'huber', metrics: ['mae'], goal: 'mae' }, 'b')).rejects.toThrow('has labels [4]');
  const far = () => [{ inputs: tf.ones([2, 4, 2]), labels: tf.fill([2, 4], 3, 'int32') }];
  const outside = { data: () => ({ train: far, validation: batches, test: batches }) };
  await expect(run(outside, 'c')).rejects.toThrow(
    'A label is 3, in example 0 of its batch; it should be a class from 0 to 2',
  );
});

it('a category and a number: each output has the loss of its labels, and accuracy is of the category', async () => {
  const home = folder();
  flowers(join(home, 't.csv'));
  const model = () => {
    const input = tfl.input({ shape: [4] });
    const ends = [
      tfl.layers.dense({ name: 'kind', units: 2, activation: 'softmax' }),
      tfl.layers.dense({ name: 'price', units: 1 }),
    ].map((layer) => layer.apply(input) as tfl.SymbolicTensor);
    return tfl.model({ inputs: input, outputs: ends });
  };
  const recipe = {
    name: 'both',
    data: { csv: join(home, 't.csv'), target: ['kind', 'price'], standardize: 'all', batchSize: 8 },
    model,
    goal: 'price/rmse',
    stages: [{ name: 'dense', epochs: 2, keepBest: true }],
  };
  const out = join(home, 'out');
  const { compressed, goal } = await runRecipe(resolveRecipe(recipe, plainSource(join(home, 'r.ts'))), {
    out,
    backend,
  });
  expect(goal).toEqual({ metric: 'price/rmse', better: 'lower' });
  expect(Object.keys(compressed.metrics!)).toEqual(['accuracy', 'rmse', 'kind/accuracy', 'price/rmse']);
  expect(compressed.accuracy).toBe(compressed.metrics!['kind/accuracy']);
  expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('price/rmse against size');
});

it('evaluate, sensitivity and search follow the goal', async () => {
  const home = folder();
  const file = recipe(
    home,
    `${table('price')}
metrics: [mae, psnr0]
search: { bound: 0.6, paths: { stages.dense.epochs: { choices: [1, 6] } } }`.replace(', psnr0', ''),
    net(1, 'linear'),
    '  - { name: dense, epochs: 6, learningRate: 0.05 }\n',
  );
  const loaded = await loadRecipe(file, { set: ['goal=mae'] });
  const found = await searchRecipe(loaded, { out: join(home, 'search'), trials: 2, backend });
  expect(found.goal).toEqual({ metric: 'mae', better: 'lower' });
  const values = found.trials.map(({ value }) => value!);
  expect(values.every(Number.isFinite)).toBe(true);
  expect(found.best.value === Math.min(...values) || found.best.value! <= 0.6).toBe(true);
  expect(readFileSync(join(home, 'search', 'search.html'), 'utf8')).toContain('mae on the validation split');

  const out = join(home, 'out');
  const report = (await runRecipe(loaded, { out, backend })) as Report;
  const esp = join(out, 'model.esp');
  const own = join(home, 'goal.yaml');
  write(own, readFileSync(file, 'utf8').replace('metrics: [mae]', 'metrics: [mae]\ngoal: mae'));
  const evaluated = ['evaluate', esp, '--data', own, '--backend', 'cpu'];
  const { metrics, loss, size, ...rest } = JSON.parse(await said([...evaluated, '--json']));
  expect([metrics.mae, loss, size]).toEqual([report.compressed.metrics!.mae, report.compressed.loss, 8]);
  expect(rest).toEqual({});
  expect(await said([...evaluated, '--metrics', 'r2,rmse'])).toMatch(/r2 +\S+\nrmse +/);
  const measured = ['sensitivity', esp, '--data', own, '--levels', '0.5', '--backend', 'cpu', '--suggest'];
  const dir = join(home, 's');
  const text = await said([...measured, '--out', dir, '--max-drop', '100']);
  expect(text).toMatch(/^mae \S+ on 8 held-out examples/);
  expect(text).toContain('0.5'); // everything may cost 100
  expect(readFileSync(join(dir, 'sensitivity.csv'), 'utf8')).toMatch(/^parameter,kind,sparsity,mae,loss\n/);
  expect(readFileSync(join(dir, 'sensitivity.html'), 'utf8')).not.toMatch(/accuracy/i);
}, 240_000);

describe('ranking by a goal', () => {
  const trial = (n: number, value: number | undefined, bytes: number): Trial => ({
    trial: n,
    rung: 0,
    values: {},
    error: 1,
    ...(value === undefined ? { failed: 'NaN' } : { value }),
    bytes,
    seconds: 0,
  });
  const trials = [trial(0, 30, 500), trial(1, 20, 10), trial(2, 30.2, 900), trial(3, undefined, 0)];
  const order = (bound: number | undefined, better: 'higher' | 'lower', share = false): number[] =>
    ranked(trials, bound, { better, share }).map((one) => one.trial);

  it('is by size within the bound, or a hundredth of the best', () => {
    expect(order(29, 'higher')).toEqual([0, 2, 1, 3]);
    expect(order(undefined, 'higher')).toEqual([0, 2, 1, 3]);
    expect(order(undefined, 'higher', true)).toEqual([2, 0, 1, 3]);
    expect(order(30, 'lower')).toEqual([1, 0, 2, 3]);
    expect(order(undefined, 'lower')).toEqual([1, 0, 2, 3]);
  });

  it('an error is a bound of accuracy alone', () => {
    expect(boundOf({ maxError: 0.02 }, undefined)).toBe(0.02);
    expect(boundOf({ bound: 0.98 }, undefined)).toBeCloseTo(0.02, 12);
    expect(boundOf({ maxError: 0.02 }, { metric: 'accuracy' })).toBe(0.98);
    expect(() => boundOf({ maxError: 0.02 }, { metric: 'rmse' })).toThrow('Write bound');
  });
});

it('the whole recipe of docs/recipe.md is one', () => {
  const page = readFileSync(new URL('../../../docs/recipe.md', import.meta.url), 'utf8');
  const [, text] = /```yaml\n(name: [\s\S]*?)```/.exec(page)!;
  const { value, source } = parseYaml(text, 'recipe.yaml');
  const { recipe } = resolveRecipe(value, source);
  expect([recipe.goal, recipe.stages.length]).toEqual(['rmse', 4]);
});

describe('what is wrong is one sentence, before anything runs', () => {
  const known: readonly (readonly [string, RegExp])[] = [
    ['loss: mse', /recipe\.yaml:4:.*found "mse", expected categorical.*\. Did you mean 'meanSquaredError'\?/],
    ['loss: { price: mae }', /loss\.price: found "mae".*'meanAbsoluteError'/],
    ['loss: { name: hubr }', /Did you mean 'huber'\?/],
    ['loss: { name: huber, delt: 2 }', /huber: there is no option 'delt'\. Did you mean 'delta'\?/],
    ['loss: { name: huber, smoothing: 0.1 }', /huber: there is no option 'smoothing'/],
    ['loss: { name: binaryCrossentropy, classWeights: [1, -1] }', /classWeights is \[1,-1\]/],
    ['loss: 3', /found 3: expected the name of a loss/],
    ['loss: []', /found \[\]: expected the name of a loss/],
    ['metrics: [acuracy]', /recipe\.yaml:4:.*metrics\.0: found "acuracy".*Did you mean 'accuracy'\?/],
    ['metrics: [meanAbsoluteError]', /Did you mean 'mae'\?/],
    ['metrics: [roc_auc]', /Did you mean 'auc'\?/],
    ['metrics: rmse', /found "rmse": expected a list of metrics/],
    ['metrics: [{ name: f1, average: makro }]', /there is no average 'makro'\. Did you mean 'macro'\?/],
    ['metrics: [{ name: psnr, peak: 0 }]', /psnr: peak is 0/],
    ['metrics: [top0]', /found "top0", expected accuracy or /],
    ['goal: rmsee', /goal: there is no metric 'rmsee'\. Did you mean 'rmse'\?/],
    ['goal: { metric: rmse, better: more }', /expected higher or lower/],
    ['search: { maxError: 0.1, bound: 2, paths: {} }', /search\.bound/],
  ];
  it.each(known)('%s', async (line, message) => {
    const file = recipe(
      folder(),
      `${table('price')}\n${line}`,
      net(1, 'linear'),
      '  - { name: dense, epochs: 1 }\n',
    );
    await expect(loadRecipe(file)).rejects.toThrow(message);
  });

  it.each([
    [
      'earlyStopping: { metric: rmes, patience: 1 }',
      /stages\.0\.earlyStopping\.metric: 'rmes' is not measured\. Did you mean 'rmse'\?/,
    ],
    ['learningRate: { plateau: { initial: 0.1, metric: psnr } }', /'psnr' is not measured\. Known: /],
  ])('%s', async (line, message) => {
    const file = recipe(
      folder(),
      `${table('price')}\nmetrics: [rmse]`,
      net(1, 'linear'),
      `  - { name: dense, epochs: 1, ${line} }\n`,
    );
    await expect(loadRecipe(file)).rejects.toThrow(message);
  });

  const unfit: readonly (readonly [string, string, string, number, RegExp])[] = [
    [
      'metrics: [accuracy]',
      'price',
      'linear',
      1,
      /recipe\.yaml:4:.*accuracy does not fit: the labels are numbers/,
    ],
    ['metrics: [r2]', 'kind', 'softmax', 2, /r2 does not fit: the labels are classes/],
    ['metrics: [top2]', 'kind', 'softmax', 2, /top2 does not fit: there are 2 classes/],
    ['metrics: [{ name: f1, class: 2 }]', 'kind', 'softmax', 2, /there is no class 2, they go from 0 to 1/],
    ['metrics: [ssim]', 'price', 'linear', 1, /ssim is of pictures, and the output is \[1\]/],
    ['metrics: { prise: [rmse] }', 'price', 'linear', 1, /no output of the model 'prise'/],
    ['goal: price/rmse', 'price', 'linear', 1, /'price', which is no output of several/],
    ['goal: accuracy', 'price', 'linear', 1, /accuracy does not fit/],
    [
      'loss: categoricalCrossentropy',
      'price',
      'linear',
      1,
      /recipe\.yaml:4:.*categoricalCrossentropy.*one unit/,
    ],
  ];
  it.each(unfit)('%s of %s', async (line, target, activation, units, message) => {
    const home = folder();
    const file = recipe(
      home,
      `${table(target)}\n${line}`,
      net(units, activation),
      '  - { name: dense, epochs: 1 }\n',
    );
    await expect(runRecipe(await loadRecipe(file), { out: join(home, 'out'), backend })).rejects.toThrow(
      message,
    );
  });
});
