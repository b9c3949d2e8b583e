import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { beforeAll, expect, it } from 'vitest';
import { flowers, redAndBlue, write } from '../../datasets/test/made.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { searchRecipe } from '../src/pipeline/search/search.js';
import { loadRecipe } from '../src/recipe/load.js';
import { folder } from './fixtures.js';

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
});

it.each([
  [
    'a table',
    (home: string) => flowers(join(home, 't.csv')),
    '{ csv: t.csv, target: kind, batchSize: 8 }',
    '',
  ],
  [
    'pictures',
    (home: string) => redAndBlue(join(home, 'photos'), 10),
    '{ images: photos, size: 6, batchSize: 5, augment: { flip: horizontal, jitter: { brightness: 0.2 } } }',
    '    - flatten: {}\n',
  ],
  [
    'texts',
    (home: string) =>
      write(
        join(home, 'm.jsonl'),
        Array.from({ length: 30 }, (_, i) =>
          JSON.stringify({ text: i % 2 ? 'win money now' : 'see you soon', label: i % 2 ? 'spam' : 'ham' }),
        ).join('\n'),
      ),
    '{ text: m.jsonl, length: 4, batchSize: 8 }',
    '    - embedding: { inputDim: 12, outputDim: 4 }\n    - flatten: {}\n',
  ],
  [
    "a factory of one's own",
    (home: string) =>
      write(
        join(home, 'data.mjs'),
        `export const half = () => ({
  inputs: { shape: [40, 2], values: Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)) },
  labels: { shape: [40], values: Int32Array.from({ length: 40 }, (_, i) => i % 2) },
});
`,
      ),
    "{ use: './data.mjs#half', batchSize: 8 }",
    '',
  ],
])(
  'a search runs over %s: each trial on the same split, chosen on validation',
  async (_, files, data, first) => {
    const home = folder();
    files(home);
    const recipe = write(
      join(home, 'recipe.yaml'),
      `name: own
seed: 3
data: ${data}
model:
  layers:
${first}    - dense: { units: 6, activation: relu }
    - dense: { units: 2, activation: softmax }
stages:
  - { name: dense, epochs: 2, learningRate: 0.03 }
  - name: prune
    epochs: 1
    schedules:
      - { use: '@espalier/pruners#level', options: { sparsity: 0.5 }, parameters: '**/kernel', end: 1 }
search:
  maxError: 1
  paths:
    stages.prune.schedules.0.options.sparsity: { choices: [0.25, 0.75] }
`,
    );
    const result = await searchRecipe(await loadRecipe(recipe), {
      out: join(home, 'search'),
      trials: 2,
      backend,
    });
    const { trials, best } = result;
    expect(trials.map(({ failed }) => failed)).toEqual([undefined, undefined]);
    expect(trials.every(({ error, bytes }) => error >= 0 && error <= 1 && bytes > 0)).toBe(true);
    // The best recipe lies elsewhere than the one that was searched, and its paths are right all the same.
    const again = await runRecipe(await loadRecipe(result.recipe), { out: join(home, 'again'), backend });
    expect([again.compressed.bytes > 0, best.bytes > 0]).toEqual([true, true]);
  },
  60_000,
);
