import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { write } from '../../datasets/test/made.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { searchRecipe } from '../src/pipeline/search/search.js';
import { loadRecipe } from '../src/recipe/load.js';
import { moved } from '../src/recipe/moved.js';
import type { Recipe } from '../src/recipe/schema.js';
import { recipeText } from '../src/recipe/text.js';
import { folder } from './fixtures.js';

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
});

describe('a recipe as text', () => {
  it('is what it was where it is no code', () => {
    const shared = { a: [1, { b: null }], c: Number.POSITIVE_INFINITY, d: 'x: # y' };
    const recipe = { name: 'n', first: shared, again: shared, left: undefined };
    const text = recipeText(recipe as never);
    expect(text).not.toMatch(/^#|&|\*/m);
    expect(parse(text)).toEqual({ name: 'n', first: shared, again: shared });
  });

  it('names what was code, and shows it', () => {
    const recipe = {
      name: 'n',
      data: () => 'my data',
      stages: [
        { name: 's', schedules: [{ use: () => 'a pruner', options: { list: Float32Array.of(1, 2) } }] },
      ],
    };
    const text = recipeText(recipe as never);
    expect(text).toMatch(
      /^# Code, so this file alone does not run again: data, stages\.0\.schedules\.0\.use\.$/m,
    );
    expect(text).toMatch(/^data: !code .*my data/m);
    expect(text).toMatch(/use: !code .*a pruner/);
    const other = { ...recipe, data: () => 'other data' };
    expect(recipeText(other as never)).not.toBe(text);
  });
});

it('paths of a recipe that is moved lead to the same files', () => {
  const of = (given: object): Recipe =>
    moved({ name: 'n', stages: [], model: 'lenet-5', ...given } as never, '/a/b', '/a/c/d');
  expect(of({ data: { csv: { train: 't.csv', test: '/x.csv' }, target: 't.csv' } }).data).toEqual({
    csv: { train: '../../b/t.csv', test: '/x.csv' },
    target: 't.csv',
  });
  expect(of({ data: { inputs: { x: 'x.npz#a' }, labels: ['../y.npy'], scale: 'unit' } }).data).toEqual({
    inputs: { x: '../../b/x.npz#a' },
    labels: ['../../y.npy'],
    scale: 'unit',
  });
  const used = of({
    data: { use: './data.mjs#half', options: { use: './mine' } },
    model: './m/model.json',
    plugins: { p: { use: './p.js#p' }, q: { use: '@espalier/pruners#agp' } },
    stages: [{ name: 's', epochs: 1, schedules: [{ use: '../q.js#q' }] }],
  });
  expect(used).toMatchObject({
    data: { use: '../../b/data.mjs#half', options: { use: './mine' } },
    model: '../../b/m/model.json',
    plugins: { p: { use: '../../b/p.js#p' }, q: { use: '@espalier/pruners#agp' } },
    stages: [{ schedules: [{ use: '../../q.js#q' }] }],
  });
  expect(of({ data: { name: 'mnist', dir: 'mine' } })).toMatchObject({
    data: { dir: 'mine' },
    model: 'lenet-5',
  });
  expect(moved({ data: { images: 'p' }, stages: [] } as never, '/a', '/a')).toMatchObject({
    data: { images: './p' },
  });
});

/** A recipe in code, whose data are a function. */
const program = `const inputs = { shape: [40, 2], values: Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)) };
const labels = { shape: [40], values: Int32Array.from({ length: 40 }, (_, i) => i % 2) };
export default {
  name: 'coded',
  data: () => ({ inputs, labels }),
  model: { layers: [{ dense: { units: 2, activation: 'softmax' } }] },
  stages: [
    { name: 'dense', epochs: 1, learningRate: 0.01 },
    { name: 'prune', use: '@espalier/pruners#level', options: { sparsity: 0.5 }, parameters: '**/kernel' },
  ],
  search: { maxError: 1, paths: { 'stages.dense.learningRate': { choices: [0.01, 0.02] } } },
};
`;

it('a run of a recipe in code says what was code, keeps its source, and a search over it runs', async () => {
  const home = folder();
  const file = write(join(home, 'recipe.mjs'), program);
  const out = join(home, 'out');
  await runRecipe(await loadRecipe(file), { out, backend });
  const text = readFileSync(join(out, 'recipe.yaml'), 'utf8');
  expect(text).toMatch(/does not run again: data\./);
  expect(text).toContain('({ inputs, labels })');
  expect(readFileSync(join(out, 'recipe.mjs'), 'utf8')).toBe(program);
  // The same program goes on; another one is another run.
  await runRecipe(await loadRecipe(file), { out, backend, resume: true });
  const changed = await loadRecipe(write(join(home, 'other.mjs'), program.replace('0.5', '0.75')));
  await expect(runRecipe(changed, { out, backend, resume: true })).rejects.toMatchObject({
    code: 'bad-state',
  });
  const found = await searchRecipe(await loadRecipe(file), { out: join(home, 'search'), trials: 2, backend });
  expect(found.trials.map(({ failed }) => failed)).toEqual([undefined, undefined]);
  expect(readFileSync(found.recipe, 'utf8')).toMatch(/data: !code/);
}, 240_000);
