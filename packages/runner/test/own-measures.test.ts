import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { parseReport, renderReport } from '@espalier/report';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { flowers, write } from '../../datasets/test/made.js';
import { cli } from '../src/command-line.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import { moved } from '../src/recipe/moved.js';
import { folder } from './fixtures.js';

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
});

const functions = `import { createRequire } from 'node:module';
const tf = createRequire(${JSON.stringify(import.meta.url)})('@tensorflow/tfjs-core');
const away = (labels, outputs) => tf.abs(tf.sub(labels, outputs));
export const cubed = (labels, outputs) => tf.mean(tf.pow(away(labels, outputs), 3));
export const largest = (labels, outputs) => tf.max(away(labels, outputs), 1);
export const each = away;
export const broken = (labels, outputs) => outputs.mean().cubed();
export const notAFunction = 3;
export const counted = { name: 'other', better: 'lower', start: () => {
  let n = 0;
  return { look: ({ labels }) => [labels], add: ([labels]) => { n += labels.length; }, value: () => n };
} };
`;

/** A recipe over a table of flowers, beside a file of losses and metrics. */
function written(home: string, head: string, { target = 'price', units = 1, ends = '' } = {}): string {
  flowers(join(home, 't.csv'));
  write(join(home, 'own.mjs'), functions);
  return write(
    join(home, 'recipe.yaml'),
    `name: own
seed: 3
data: { csv: t.csv, target: ${target}, standardize: all, batchSize: 8, validation: 8, test: 8 }
model: { layers: [{ dense: { units: ${units}${ends} } }] }
${head}
stages:
  - { name: dense, epochs: 2, learningRate: 0.1, keepBest: true }
`,
  );
}

async function said(args: string[]): Promise<string> {
  const spy = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await cli(args)).toBe(0);
  const text = spy.mock.calls.map(([chunk]) => String(chunk)).join('');
  spy.mockRestore();
  return text;
}

describe('losses and metrics of a file', () => {
  it('train, measure and are the goal; in other folders they are the same', async () => {
    const home = folder();
    const file = written(
      home,
      `loss: { use: ./own.mjs#cubed }
metrics: [{ use: ./own.mjs#largest }, { use: ./own.mjs#counted }, mae]
goal: { metric: largest, better: lower }`,
    );
    const out = join(home, 'out');
    const loaded = await loadRecipe(file);
    const report = await runRecipe(loaded, { out, backend });
    expect(report.goal).toEqual({ metric: 'largest', better: 'lower' });
    expect(report.compressed.metrics!.largest).toBeCloseTo(report.compressed.metrics!.mae!, 6);
    expect(report.compressed.metrics!.counted).toBe(8);
    expect(readFileSync(join(out, 'recipe.yaml'), 'utf8')).toContain('use: ./own.mjs#cubed');
    const there = moved(loaded.recipe, home, join(home, 'a', 'b'));
    expect([there.loss, (there.metrics as object[])[0]]).toEqual([
      { use: '../../own.mjs#cubed' },
      { use: '../../own.mjs#largest' },
    ]);
    const text = await said([
      'evaluate',
      join(out, 'model.esp'),
      '--data',
      file,
      '--backend',
      'cpu',
      '--json',
    ]);
    expect(JSON.parse(text).metrics.largest).toBeCloseTo(report.compressed.metrics!.largest!, 6);
  });

  it.each([
    [
      'loss: { use: ./own.mjs }',
      /recipe\.yaml:5:\d+:? .*'\.\/own\.mjs' does not say which function.*\.\/loss\.mjs#name/,
    ],
    [
      'loss: { use: ./own.mjs#cubed, weight: 2 }',
      /recipe\.yaml:5:\d+.*there is no key 'weight'.*Known keys: use/,
    ],
    ['loss: { use: ./own.mjs#cube }', /recipe\.yaml:5:\d+.*cube.*Did you mean 'cubed'/s],
    ['loss: { use: ./owl.mjs#cubed }', /recipe\.yaml:5:\d+.*There is no file .*owl\.mjs/s],
    ['loss: { use: ./own.mjs#notAFunction }', /recipe\.yaml:5:\d+.*notAFunction/s],
    ['metrics: [mae, { use: ./own.mjs#largst }]', /recipe\.yaml:5:\d+.*largst.*Did you mean 'largest'/s],
    [
      'metrics: [{ use: ./own.mjs#largest }]\ngoal: largest',
      /recipe\.yaml:6:\d+.*which values of 'largest' are better/,
    ],
    ['metrics: [{ use: ./own.mjs#largest }]\ngoal: largst', /recipe\.yaml:6:\d+.*Did you mean 'largest'/],
    ['loss: { use: ./own.mjs#each }', /The loss gives \[8,1\] for a batch[\s\S]*tf\.mean/],
    ['loss: { use: ./own.mjs#broken }', /\.\/own\.mjs#broken fails: /],
    ['metrics: [{ use: ./own.mjs#cubed }]', /The metric cubed gives \[\] for 8 examples/],
  ])('say what is wrong, with file and line: %s', async (head, message) => {
    const home = folder();
    const file = written(home, head);
    const out = join(home, 'out');
    const all = async (): Promise<unknown> => runRecipe(await loadRecipe(file), { out, backend });
    await expect(all()).rejects.toThrow(message);
    expect(existsSync(join(out, 'model.esp'))).toBe(false);
  });
});

describe('classes by their names', () => {
  it('in metrics, the goal, the report and `evaluate`', async () => {
    const home = folder();
    const file = written(home, "metrics: [precision, { name: recall, class: rose }]\ngoal: 'recall(rose)'", {
      target: 'kind',
      units: 2,
      ends: ', activation: softmax',
    });
    const out = join(home, 'out');
    const report = await runRecipe(await loadRecipe(file), { out, backend });
    expect(report.classes).toEqual(['daisy', 'rose']);
    const { metrics, perClass } = report.compressed;
    expect(metrics!['recall(rose)']).toBe(perClass!['recall(rose)'][1]);
    const text = await said(['evaluate', join(out, 'model.esp'), '--data', file, '--backend', 'cpu']);
    expect(text).toMatch(/class +precision +recall\(rose\)\n.*daisy +\d.* %.*\n.*rose +\d.* %/s);
  });

  it('a class that there is not, with the nearest', async () => {
    const home = folder();
    const file = written(home, 'metrics: [{ name: recall, class: rosse }]', {
      target: 'kind',
      units: 2,
      ends: ', activation: softmax',
    });
    await expect(runRecipe(await loadRecipe(file), { out: join(home, 'out'), backend })).rejects.toThrow(
      /recipe\.yaml:5:\d+.*rosse.*Did you mean 'rose'/s,
    );
  });

  it('of several outputs, each by its own', async () => {
    const home = folder();
    flowers(join(home, 't.csv'));
    const file = write(
      join(home, 'recipe.mjs'),
      `import { createRequire } from 'node:module';
const tf = createRequire(${JSON.stringify(import.meta.url)})('@tensorflow/tfjs-layers');
export default {
  name: 'two', seed: 3,
  data: { csv: 't.csv', target: ['kind', 'price'], standardize: 'all', batchSize: 8, validation: 8, test: 8 },
  model: () => {
    const x = tf.input({ shape: [INPUTS] });
    const kind = tf.layers.dense({ name: 'kind', units: 2, activation: 'softmax' }).apply(x);
    const price = tf.layers.dense({ name: 'price', units: 1 }).apply(x);
    return tf.model({ inputs: x, outputs: [kind, price] });
  },
  loss: { kind: 'categoricalCrossentropy', price: 'meanSquaredError' },
  metrics: { kind: ['f1', { name: 'recall', class: 'rose' }], price: ['rmse'] },
  goal: 'kind/recall(rose)',
  stages: [{ name: 'dense', epochs: 1 }],
};
`.replace('INPUTS', '4'),
    );
    const report = await runRecipe(await loadRecipe(file), { out: join(home, 'out'), backend });
    expect(report.outputClasses).toEqual({ kind: ['daisy', 'rose'] });
    expect(report.compressed.perClass!['kind/f1']).toHaveLength(2);
    expect(report.goal).toEqual({ metric: 'kind/recall(rose)', better: 'higher' });
    const page = renderReport(parseReport(JSON.parse(JSON.stringify(report))));
    expect(page).toMatch(/Class of kind[\s\S]*daisy[\s\S]*rose/);
  });
});
