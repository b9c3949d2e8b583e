import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { npyBytes, writeNpy } from '@espalier/formats';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { flowers, picture, redAndBlue, write } from '../../datasets/test/made.js';
import { initRecipe } from '../src/init/init.js';
import { artifactsOf } from '../src/pipeline/model-files.js';
import { writePlain } from '../src/pipeline/plain.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import { espalier, folder } from './fixtures.js';

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
});

const log = (): void => {};
/** Flags alone, the recipe beside the data. */
const init = (home: string, flags: Record<string, string>): Promise<string> =>
  initRecipe({ flags: { out: join(home, 'recipe.yaml'), ...flags }, log });
const arrays = (home: string): void => {
  write(
    join(home, 'x.npy'),
    writeNpy(
      [60, 4],
      Float32Array.from({ length: 240 }, (_, i) => ((i * 7) % 11) / 11),
    ),
  );
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3);
  write(
    join(home, 'y.npy'),
    npyBytes({ name: '', shape: [60], type: 'int32', bytes: new Uint8Array(labels.buffer) }),
  );
};
/** A net of three classes. */
async function net(home: string): Promise<void> {
  const layers = [
    tfl.layers.dense({ units: 9, activation: 'relu', inputShape: [4] }),
    tfl.layers.dense({ units: 3, activation: 'softmax' }),
  ];
  await writePlain(join(home, 'model'), await artifactsOf(tfl.sequential({ layers })));
}
const mails = (home: string): string =>
  write(
    join(home, 'mails.jsonl'),
    Array.from({ length: 40 }, (_, i) =>
      JSON.stringify({
        body: i % 2 ? 'win a lot of money now' : 'see you soon, my friend',
        kind: i % 2 ? 'spam' : 'ham',
      }),
    ).join('\n'),
  );

/** What there is, the flags besides --data, and what the recipe says. */
const cases: readonly (readonly [string, (home: string) => unknown, Record<string, string>, RegExp])[] = [
  [
    'a table with a class',
    (home) => flowers(join(home, 'data.csv'), 60),
    { data: 'data.csv', target: 'kind' },
    /csv: \S+\/data\.csv.*target: kind.*units: 2.*softmax.*agp/s,
  ],
  [
    'a table with a number, for speed',
    (home) => flowers(join(home, 'data.csv'), 60),
    { data: 'data.csv', target: 'price', goal: 'speed' },
    /standardize: all.*units: 1.*linear.*structuredAgp.*thin/s,
  ],
  [
    'a folder of pictures',
    (home) => redAndBlue(join(home, 'photos'), 15),
    { data: 'photos', goal: 'speed' },
    /images: \S+\/photos.*conv2d.*units: 2/s,
  ],
  [
    'two .npy and a model.json',
    async (home) => {
      arrays(home);
      await net(home);
    },
    { data: 'x.npy', labels: 'y.npy', model: 'model/model.json' },
    /model: \S+\/model\/model\.json.*name: tune.*name: share/s,
  ],
  [
    'two .npy whose classes are floats, and a model.json',
    async (home) => {
      arrays(home);
      write(
        join(home, 'y.npy'),
        writeNpy(
          [60],
          Float32Array.from({ length: 60 }, (_, i) => i % 3),
        ),
      );
      await net(home);
    },
    { data: 'x.npy', labels: 'y.npy', model: 'model/model.json' },
    /classes: 3.*name: tune/s,
  ],
  [
    'texts with a class',
    mails,
    { data: 'mails.jsonl', target: 'kind' },
    /field: body.*label: kind.*embedding/s,
  ],
  [
    'one long text',
    (home) => write(join(home, 'book.txt'), 'the cat sat on the mat; the dog ran. '.repeat(40)),
    { data: 'book.txt', epochs: '1' },
    /text: \S+\/book\.txt.*gru.*timeDistributed.*recurrent_kernel/s,
  ],
];

describe.each(cases)('%s', (_, files, flags, says) => {
  it('becomes a recipe that runs to an .esp', async () => {
    const home = folder();
    await files(home);
    const given = Object.entries({ epochs: '2', ...flags }).map(([flag, value]) => [
      flag,
      ['data', 'labels', 'model'].includes(flag) ? join(home, value) : value,
    ]);
    const file = await init(home, Object.fromEntries(given));
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(says);
    const out = join(home, 'run');
    const set = says.source.includes('gru')
      ? ['data.length=8', 'data.batchSize=32', 'model.layers.1.gru.units=4']
      : [];
    const report = await runRecipe(await loadRecipe(file, { set }), { out, backend });
    expect(existsSync(join(out, 'model.esp'))).toBe(true);
    expect(report.compressed.bytes).toBeLessThan(report.dense.bytes);
  }, 240_000);
});

describe('pictures of several sizes', () => {
  it('are taken at the middle one: a thumbnail does not decide for all', async () => {
    const data = redAndBlue(join(folder(), 'photos'), 3);
    picture(join(data, 'red', 'thumbnail.png'), [1, 1], () => [255, 0, 0]);
    picture(join(data, 'blue', 'large.png'), [40, 90], () => [0, 0, 255]);
    const { recipe } = await loadRecipe(await init(folder(), { data }));
    expect(recipe.data).toMatchObject({ images: data, size: 6 });
  });
});

describe('a table', () => {
  it('is looked at: delimiter, columns that count or name rows, empty cells, classes that are numbers', async () => {
    const home = folder();
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${i};person ${i};${i % 7 === 0 ? '' : i % 9};${i % 2 ? 'a' : 'b'};${i % 3}`,
    );
    const data = write(join(home, 'people.csv'), `id;name;age;group;stars\n${rows.join('\n')}\n`);
    const { recipe } = await loadRecipe(await init(home, { data, target: 'stars' }));
    expect(recipe.data).toEqual({
      csv: data,
      target: 'stars',
      delimiter: ';',
      ignore: ['id', 'name'],
      types: { stars: 'category' },
      missing: 'mean',
      batchSize: 4,
    });
    const decimals = rows.map((row, i) => `${row};${i / 8}`.replaceAll('.', ','));
    const german = write(join(home, 'german.csv'), `id;name;age;group;stars;share\n${decimals.join('\n')}\n`);
    const read = await loadRecipe(
      await init(home, { data: german, target: 'share', out: join(home, 'g.yaml') }),
    );
    expect(read.recipe.data).toMatchObject({ delimiter: ';', decimal: ',', ignore: ['id', 'name'] });
    const mails = write(
      join(home, 'mails.tsv'),
      `label\tbody\n${rows.map((row, i) => `${i % 2 ? 'ham' : 'spam'}\tthis is the text ${row}`).join('\n')}\n`,
    );
    const texts = await loadRecipe(
      await init(home, { data: mails, target: 'label', out: join(home, 't.yaml') }),
    );
    expect(texts.recipe.data).toMatchObject({ text: mails, field: 'body' });
    expect(texts.recipe.data).not.toHaveProperty('delimiter');
    const number = join(home, 'number.yaml');
    await init(home, { data, target: 'stars', task: 'number', out: number });
    expect((await loadRecipe(number)).recipe.data).toMatchObject({ standardize: 'all' });
  });
});

describe('questions', () => {
  const home = folder();
  const data = flowers(join(home, 't.csv'), 60);
  arrays(home);
  const out = join(home, 'r.yaml');

  it('are asked of a person, in their order, again where an answer is none', async () => {
    const asked: string[] = [];
    const answers = [data, 'knid', 'kind', '', '', 'speed', out];
    const ask = async (text: string): Promise<string> => {
      asked.push(text);
      return answers.shift() as string;
    };
    expect(await initRecipe({ flags: { epochs: '2' }, ask, log })).toBe(out);
    expect(asked.map((text) => /^\S+ \S+/.exec(text)?.[0])).toEqual([
      'Where are',
      'Which column',
      'Which column',
      'Is kind',
      'A model',
      'What matters:',
      'Where shall',
    ]);
    expect(asked[1]).toContain('length, colour, price, kind');
    expect(asked[3]).toContain('[classes]');
    expect(readFileSync(out, 'utf8')).toContain('structuredAgp');
  });

  it.each([
    [{}, /--data is missing/],
    [{ data }, /--target is missing.*\n.*Choices: length, colour, price, kind/],
    [{ data: join(home, 'x.npy') }, /--labels is missing/],
    [{ data, target: 'knid' }, /knid.*\n.*kind/],
    [{ data, target: 'kind', goal: 'sise' }, /sise.*\n.*size/],
    [{ data, target: 'kind', epochs: '0' }, /--epochs is 0/],
    [{ data: join(home, 'none.csv') }, /There is no file or folder .*none\.csv/],
    [{ data: write(join(home, 'x.pdf'), 'pdf') }, /not known how to read .*x\.pdf/],
    [
      { data: join(home, 'x.npy'), labels: join(home, 'y.npy'), model: join(home, 'none.json') },
      /none\.json/,
    ],
    [{ data, target: 'kind', out: data }, /t\.csv is there already; nothing was overwritten/],
  ])('without an answer or with a wrong one, %j', async (flags, says) => {
    await expect(init(home, flags as Record<string, string>)).rejects.toThrow(says);
    expect(existsSync(join(home, 'recipe.yaml'))).toBe(false);
  });

  it('a pipe is nobody to ask', async () => {
    const { code, stderr } = await espalier(['init', '--data', data]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--target is missing')]);
  }, 240_000);
});
