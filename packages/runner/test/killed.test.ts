import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { expect, it } from 'vitest';
import { flowers, redAndBlue, write } from '../../datasets/test/made.js';
import { eventFilesIn, scalarOf } from '../../studio/test/events.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import { espalier, folder } from './fixtures.js';

it.each([
  [
    'a folder of pictures, changed at random in threads',
    (home: string) => redAndBlue(join(home, 'photos'), 12),
    '{ images: photos, size: 8, batchSize: 4, augment: { flip: both, shift: 1, crop: 0.7, jitter: { contrast: 0.3 } } }',
  ],
  [
    'a table',
    (home: string) => flowers(join(home, 't.csv'), 60),
    '{ csv: t.csv, target: kind, batchSize: 8 }',
  ],
])(
  'a run over %s that is killed and resumed ends in the same bytes',
  async (_, files, data) => {
    const home = folder();
    files(home);
    const recipe = write(
      join(home, 'recipe.yaml'),
      `name: killed
seed: 5
data: ${data}
model: { layers: [${data.includes('images') ? '{ flatten: {} }, ' : ''}{ dense: { units: 8, activation: relu } }, { dense: { units: 2, activation: softmax } }] }
stages:
  - { name: dense, epochs: 3, learningRate: 0.02 }
  - name: prune
    epochs: 4
    schedules: [{ use: '@espalier/pruners#agp', options: { final: 0.5 }, parameters: '**/kernel', end: 3 }]
`,
    );
    const backend = await startBackend({ prefer: 'cpu', log: () => {} });
    await runRecipe(await loadRecipe(recipe), { out: join(home, 'whole'), backend });
    const out = join(home, 'killed');
    const args = ['run', recipe, '--out', out, '--backend', 'cpu', '--tensorboard'];
    await espalier(args, (child) => {
      let said = '';
      child.stdout?.on('data', (chunk) => {
        said += chunk;
        if (/\[2\/2\].*epoch 1/s.test(said)) child.kill('SIGKILL');
      });
    });
    const { code, stderr } = await espalier([...args, '--resume']);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const bytes = (run: string): Buffer => readFileSync(join(home, run, 'model.esp'));
    expect(bytes('killed').equals(bytes('whole'))).toBe(true);

    // TensorBoard's files, of before and after; an epoch that was done again is taken from the later one.
    const told = eventFilesIn(out);
    const losses = scalarOf(told, 'loss/training');
    const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(losses.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(losses.map(([, loss]) => loss)).toEqual(lines.map((line) => Math.fround(JSON.parse(line).loss)));
    expect(scalarOf(told, 'file/bytes').at(-1)).toEqual([8, bytes('killed').length]);
    const drawn = told.flatMap(({ histograms }) => Object.keys(histograms));
    expect(drawn.some((name) => name.endsWith('/kernel'))).toBe(true);
  },
  120_000,
);
