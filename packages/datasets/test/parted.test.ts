import '@tensorflow/tfjs-backend-cpu';
import { join } from 'node:path';
import { fromArrays, fromCsv, fromText } from '@espalier/datasets';
import { npyBytes, writeNpy } from '@espalier/formats';
import { describe, expect, it } from 'vitest';
import { flowers, folder, write } from './made.js';

const sizes = (source: Awaited<ReturnType<typeof fromCsv>>): number[] =>
  (['train', 'validation', 'test'] as const).map((part) => source.batches(part, { batchSize: 2 }).size);
const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing was said',
    (error: Error) => error.message,
  );

describe('a file for each part', () => {
  it('of tables: what is not given is drawn from the training; means and categories are its own', async () => {
    const home = folder();
    flowers(join(home, 'train.csv'), 40);
    const all = flowers(join(home, 'all.csv'), 60, (line, i) =>
      line.replace(/^[^,]+/, i === 0 ? 'length' : '5'),
    );
    const mixed = ['kind,price,colour,length', 'rose,4,red,10', 'daisy,5,pink,2'];
    write(join(home, 'test.csv'), `${mixed.join('\n')}\n`); // the columns in another order, a category that is new
    const csv = { train: 'train.csv', test: 'test.csv' };
    const source = await fromCsv({ csv, target: 'kind', ignore: ['price'] }, { folder: home });
    expect(sizes(source)).toEqual([36, 4, 2]);
    expect(source.name).toBe('train.csv and test.csv');
    const [batch] = source.batches('test', { batchSize: 2 }).batches(0) as Iterable<{
      inputs: import('@tensorflow/tfjs-core').Tensor2D;
      labels: import('@tensorflow/tfjs-core').Tensor2D;
    }>;
    const [rose, daisy] = batch.inputs.arraySync();
    expect([rose.slice(1), daisy.slice(1)]).toEqual([
      [1, 0, 0],
      [0, 0, 0],
    ]);
    expect(rose[0]).toBeGreaterThan(daisy[0]);
    expect(batch.labels.arraySync()).toEqual([
      [0, 1],
      [1, 0],
    ]);
    const three = { train: all, validation: 'train.csv', test: 'test.csv' };
    expect(sizes(await fromCsv({ csv: three, target: 'price' }, { folder: home }))).toEqual([60, 40, 2]);
  });

  it('of arrays, of several inputs, with weights', async () => {
    const home = folder();
    for (const [part, n] of [
      ['train', 12],
      ['test', 5],
    ] as const) {
      write(join(home, `x-${part}.npy`), writeNpy([n, 2], new Float32Array(2 * n).fill(n)));
      const labels = new Uint8Array(Int32Array.from({ length: n }, (_, i) => i % 2).buffer);
      write(join(home, `y-${part}.npy`), npyBytes({ name: '', shape: [n], type: 'int32', bytes: labels }));
    }
    const x = { train: 'x-train.npy', test: 'x-test.npy' };
    const y = { train: 'y-train.npy', test: 'y-test.npy' };
    const source = await fromArrays({ inputs: x, labels: y, validation: 2 }, { folder: home });
    expect(sizes(source)).toEqual([10, 2, 5]);
    const two = { train: { a: x.train, b: x.train }, test: { a: x.test, b: x.test } };
    const both = await fromArrays({ inputs: two, labels: y }, { folder: home });
    expect([both.inputs.map(({ name }) => name), sizes(both)]).toEqual([
      ['a', 'b'],
      [11, 1, 5],
    ]);
    const [batch] = both.batches('test', { batchSize: 5 }).batches(0) as Iterable<{
      inputs: { a: import('@tensorflow/tfjs-core').Tensor };
    }>;
    expect([...batch.inputs.a.dataSync()]).toEqual(Array(10).fill(5));
  });

  it('of texts with a class, and of one long text', async () => {
    const home = folder();
    const line = (text: string, label: string): string => `${JSON.stringify({ text, label })}\n`;
    write(join(home, 'a.jsonl'), (line('good day', 'yes') + line('bad day', 'no')).repeat(10));
    write(join(home, 'b.csv'), 'text,label\ngood night,yes\nbad night,no\n');
    const source = await fromText({ text: { train: 'a.jsonl', test: 'b.csv' }, length: 3 }, { folder: home });
    expect(sizes(source)).toEqual([18, 2, 2]);
    expect(source.encoding).toMatchObject({ vocabulary: ['day', 'bad', 'good'] }); // no night
    write(join(home, 'a.txt'), 'abcabcabc'.repeat(20));
    write(join(home, 'b.txt'), 'abxab'.repeat(20));
    const next = await fromText({ text: { train: 'a.txt', test: 'b.txt' }, length: 5 }, { folder: home });
    expect(next.labels[0].classes).toEqual(['a', 'b', 'c', '\uFFFD']);
    expect(sizes(next)[2]).toBe(19);
  });
});

describe('what is wrong with them', () => {
  const home = folder();
  flowers(join(home, 'a.csv'));
  write(join(home, 'b.csv'), 'length,colour,kind\n1,red,rose\n');
  write(join(home, 'c.csv'), 'length,colour,price,kind\n1,red,2,tulip\n');
  write(join(home, 'd.csv'), 'length,colour,price,kind\nNaN,red,2,rose\n');
  write(join(home, 'x4.npy'), writeNpy([4, 2], new Float32Array(8)));
  write(join(home, 'x3.npy'), writeNpy([3, 3], new Float32Array(9)));
  write(join(home, 'y4.npy'), writeNpy([4], new Float32Array(4)));
  write(join(home, 'y3.npy'), writeNpy([3], new Float32Array(3)));
  const csv = (test: string, rest = {}): Promise<unknown> =>
    fromCsv({ csv: { train: 'a.csv', test }, target: 'kind', ...rest }, { folder: home });
  const arrays = (inputs: object, labels: object | string): Promise<unknown> =>
    fromArrays({ inputs, labels } as never, { folder: home });

  it.each([
    ['a column that one lacks', () => csv('b.csv'), /b\.csv has no column 'price', which .*a\.csv has/],
    [
      'a class that one alone has',
      () => csv('c.csv'),
      /'tulip' of 'kind' has no example in the training split/,
    ],
    ['a NaN, with the line of its file', () => csv('d.csv'), /d\.csv:2: the column 'length' holds no number/],
    ['no file', () => csv('e.csv'), /There is no file .*e\.csv/],
    ['a share and a file', () => csv('a.csv', { test: 0.2 }), /test is both 0\.2 and files of its own/],
    [
      'labels of other parts',
      () => arrays({ train: 'x4.npy', test: 'x4.npy' }, { train: 'y4.npy' }),
      /inputs and labels are not given for the same parts: train,test and train/,
    ],
    [
      'labels of all parts at once',
      () => arrays({ train: 'x4.npy' }, 'y4.npy'),
      /inputs and labels are not given for the same parts/,
    ],
    [
      'examples of other shapes',
      () => arrays({ train: 'x4.npy', test: 'x3.npy' }, { train: 'y4.npy', test: 'y3.npy' }),
      /x4\.npy has examples \[2\], x3\.npy has \[3\]/,
    ],
    [
      'other numbers of examples, though their sums agree',
      () => arrays({ train: 'y3.npy', test: 'y4.npy' }, { train: 'y4.npy', test: 'y3.npy' }),
      /y3\.npy has 3 examples for train, y4\.npy has 4/,
    ],
  ])('%s', async (_, source, says) => {
    expect(await message(source())).toMatch(says);
  });
});
