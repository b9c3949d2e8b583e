import '@tensorflow/tfjs-backend-cpu';
import { join } from 'node:path';
import type { Batch } from '@espalier/core';
import { type DataSource, fromArrays, fromCsv, fromImages, fromOwn, fromText } from '@espalier/datasets';
import { writeNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { flowers, folder, picture, redAndBlue, write } from './made.js';

/** The numbers of all batches of an epoch. */
async function numbersOf(
  source: DataSource,
  part: 'train' | 'validation' | 'test' = 'train',
  epoch = 0,
  shuffle: number | false = false,
): Promise<{ inputs: number[][]; labels: number[][] }> {
  const rows = { inputs: [] as number[][], labels: [] as number[][] };
  const before = tf.memory().numTensors;
  for await (const { inputs, labels } of source.batches(part, { batchSize: 4, shuffle }).batches(epoch)) {
    for (const [name, tensor] of [
      ['inputs', inputs as tf.Tensor],
      ['labels', labels as tf.Tensor],
    ] as const) {
      const flat = tf.reshape(tensor, [tensor.shape[0], -1]);
      rows[name].push(...(flat.arraySync() as number[][]));
      tf.dispose([flat, tensor]);
    }
  }
  expect(tf.memory().numTensors).toBe(before);
  return rows;
}

describe('a table', () => {
  it('has its decimals after a point or a comma, its cells between other signs, and gives the same numbers', async () => {
    const home = folder();
    const rows = [1.5, 2, -0.25, 1e3, 0.1, 7].map((value, i) => [
      String(value),
      i % 2 ? 'elm' : 'oak',
      `${i},5`,
    ]);
    const lines = [['age', 'kind', 'code'], ...rows];
    const shares = { target: 'age', ignore: ['code'], validation: 1, test: 1 };
    const point = write(join(home, 'p.tsv'), lines.map((cells) => cells.join('\t')).join('\n'));
    const comma = write(
      join(home, 'c.csv'),
      lines.map(([age, ...more]) => [age.replace('.', ','), ...more].join(';')).join('\n'),
    );
    const first = await numbersOf(await fromCsv({ csv: point, ...shares }));
    expect(first.labels.flat()).toContain(Math.fround(0.1));
    const form = { delimiter: ';', decimal: ',' } as const;
    expect(await numbersOf(await fromCsv({ csv: comma, ...shares, ...form }))).toEqual(first);
    // What is said to be a category keeps its name.
    const kinds = await fromCsv({ csv: comma, ...shares, ...form, ignore: [], types: { code: 'category' } });
    expect(kinds.notes?.[1]).toMatch(/^code: category \(\d,5, /);
    // A point is then no decimal sign.
    const both = write(join(home, 'b.csv'), 'age;kind\n1,5;a\n1.5;b\n2,5;a\n3,5;b\n');
    await expect(fromCsv({ csv: both, target: 'kind', ...form })).rejects.toThrow(/b\.csv:3: .*'1\.5' among/);
  });

  it('becomes numbers as the training split has it, and tells how', async () => {
    const csv = flowers(join(folder(), 'flowers.csv'));
    const source = await fromCsv({ csv, target: 'kind', ignore: ['price'] }, { seed: 1 });
    expect(source.notes).toEqual([
      'length: number',
      'colour: category (red, white, yellow)',
      'kind: category (daisy, rose), target',
    ]);
    const { inputs, labels } = await numbersOf(source);
    const parts = [inputs.length];
    for (const part of ['validation', 'test'] as const)
      parts.push((await numbersOf(source, part)).inputs.length);
    expect(parts).toEqual([32, 4, 4]);
    const lengths = inputs.map(([length]) => length);
    const mean = lengths.reduce((a, b) => a + b) / 32;
    const deviation = Math.sqrt(lengths.reduce((sum, v) => sum + v * v, 0) / 32);
    expect([mean, deviation]).toEqual([expect.closeTo(0, 5), expect.closeTo(1, 5)]);
    for (const [i, [, red, white, yellow]] of inputs.entries()) {
      expect([red + white + yellow, labels[i]]).toEqual([1, red === 1 ? [0, 1] : [1, 0]]);
    }
    expect(labels.filter(([daisy]) => daisy === 1)).toHaveLength(16); // each class in proportion
    const encoding = source.encoding as { inputs: { mean: number }[] };
    expect(encoding.inputs[0]).toMatchObject({ name: 'length', type: 'number', mean: expect.any(Number) });
    expect(encoding.inputs[1]).toEqual({
      name: 'colour',
      type: 'category',
      values: ['red', 'white', 'yellow'],
    });
  });

  it('has numbers as targets, several of them, and outputs by name where one is a category', async () => {
    const csv = flowers(join(folder(), 'flowers.csv'));
    const price = await fromCsv({ csv, target: 'price' });
    expect(price.labels).toEqual([{ shape: [1], numbers: true }]);
    expect((await numbersOf(price)).labels.every(([p]) => p % 3 === 1)).toBe(true);
    const both = await fromCsv({ csv, target: ['price', 'length'], standardize: 'all' });
    expect(both.labels).toEqual([{ shape: [2], numbers: true }]);
    const mixed = await fromCsv({ csv, target: ['price', 'kind'] });
    expect(mixed.labels.map(({ name, shape }) => [name, shape])).toEqual([
      ['price', [1]],
      ['kind', [2]],
    ]);
    const [batch] = mixed.batches('test', { batchSize: 2 }).batches(0) as Iterable<Batch>;
    expect(Object.keys(batch.labels)).toEqual(['price', 'kind']);
  });

  it('has missing cells filled in from the training split, or their rows dropped', async () => {
    const csv = flowers(join(folder(), 'f.csv'), 40, (line, i) =>
      i === 3 ? line.replace(/^[^,]+/, 'NA') : i === 6 ? line.replace('yellow', '') : line,
    );
    const mean = await fromCsv({
      csv,
      target: 'kind',
      missing: 'mean',
      ignore: ['price'],
      standardize: 'none',
    });
    const { inputs } = { ...(mean.encoding as { inputs: { mean: number; fill: number }[] }) };
    expect(inputs[0]).toMatchObject({ mean: 0, deviation: 1, fill: expect.closeTo(8, 0) });
    const drop = await fromCsv({ csv, target: 'kind', missing: 'drop' });
    expect(drop.notes.at(-1)).toBe('2 of 40 rows have empty cells and were left out');
    expect(drop.batches('train', { batchSize: 1 }).size).toBe(30);
  });
});

describe('arrays', () => {
  it('of classes and of numbers, of several inputs by name', async () => {
    const home = folder();
    const x = write(
      join(home, 'x.npy'),
      writeNpy(
        [20, 2],
        Float32Array.from({ length: 40 }, (_, i) => i),
      ),
    );
    const y = write(
      join(home, 'y.npy'),
      writeNpy(
        [20],
        Float32Array.from({ length: 20 }, (_, i) => i % 2),
      ),
    );
    const source = await fromArrays(
      { inputs: { a: 'x.npy', b: 'x.npy' }, labels: 'y.npy', weights: 'y.npy' },
      { folder: home },
    );
    expect(source.labels).toEqual([{ shape: [1], numbers: true }]); // floats are numbers
    const [batch] = source.batches('validation', { batchSize: 2 }).batches(0) as Iterable<Batch>;
    const { a, b } = batch.inputs as tf.NamedTensorMap;
    expect([a.shape, a.arraySync(), batch.weights?.shape]).toEqual([[2, 2], b.arraySync(), [2]]);
    expect(x + y).toBeTruthy();
  });
});

describe('pictures', () => {
  it('come by class, in proportion, in the middle of the size asked for', async () => {
    const images = redAndBlue(folder());
    const source = await fromImages({ images, size: 4, validation: 2, test: 2 }, { seed: 3 });
    expect(source.notes).toEqual(['12 pictures of 2 classes, 4 x 4']);
    expect(source.labels[0].classes).toEqual(['blue', 'red']);
    for (const part of ['train', 'validation', 'test'] as const) {
      const { inputs, labels } = await numbersOf(source, part);
      expect(inputs).toHaveLength(part === 'train' ? 8 : 2);
      expect(labels.filter(([blue]) => blue === 1)).toHaveLength(inputs.length / 2);
      for (const [i, [red, , blue]] of inputs.entries())
        expect(labels[i]).toEqual(red > blue ? [0, 1] : [1, 0]);
    }
  });

  it('keep what they are at their own size, and are brought to mean and deviation', async () => {
    const images = redAndBlue(folder(), 3);
    const plain = await fromImages({ images, scale: 'none', validation: 1, test: 1 });
    const { inputs, labels } = await numbersOf(plain);
    const i = labels.findIndex(([, red]) => red === 1);
    expect(inputs[i].slice(0, 6)).toEqual([inputs[i][0], 0, 0, inputs[i][0], 0, 5]);
    const normalize = { mean: [100, 0, 0], deviation: [10, 1, 1] };
    const normal = await numbersOf(
      await fromImages({ images, scale: 'none', normalize, validation: 1, test: 1 }),
    );
    expect(normal.inputs[i][0]).toBe((inputs[i][0] - 100) / 10);
  });

  it('change at random, by (seed, epoch, picture) alone, in the training alone', async () => {
    const images = redAndBlue(folder());
    const augment = {
      flip: 'horizontal',
      shift: 1,
      crop: 0.7,
      jitter: { brightness: 0.2, contrast: 0.2, saturation: 0.5 },
    } as const;
    const source = await fromImages({ images, augment });
    const again = await fromImages({ images, augment });
    const first = await numbersOf(source, 'train', 0, 5);
    expect(await numbersOf(again, 'train', 0, 5)).toEqual(first);
    expect(await numbersOf(source, 'train', 1, 5)).not.toEqual(first);
    expect(await numbersOf(source, 'train', 0, 6)).not.toEqual(first);
    expect(first.inputs.flat().every((v) => v >= 0 && v <= 1)).toBe(true);
    const plain = await fromImages({ images });
    expect(await numbersOf(source, 'test')).toEqual(await numbersOf(plain, 'test'));
  });

  it('have parts of their own folders', async () => {
    const home = folder();
    for (const part of ['train', 'val', 'test']) redAndBlue(join(home, part), part === 'train' ? 4 : 1);
    const source = await fromImages({ images: home, size: [3, 4] });
    expect(
      (['train', 'validation', 'test'] as const).map((part) => source.batches(part, { batchSize: 9 }).size),
    ).toEqual([8, 2, 2]);
    picture(join(home, 'train', 'red', 'more.png'), [4, 4], () => [255, 0, 0]);
    expect((await fromImages({ images: home, size: [3, 4] })).fingerprint).not.toBe(source.fingerprint);
  });
});

describe('texts', () => {
  const lines = Array.from({ length: 20 }, (_, i) => ({
    text: i % 2 ? 'Win money, win now!' : `Dear friend, see you at ${i}`,
    label: i % 2 ? 'spam' : 'ham',
  }));
  it('become ids of the words of the training split', async () => {
    const home = folder();
    write(join(home, 'm.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    write(
      join(home, 'm.csv'),
      `text,label\n${lines.map(({ text, label }) => `"${text}",${label}`).join('\n')}`,
    );
    for (const [i, { text, label }] of lines.entries())
      write(join(home, 'mails', label, `${i + 10}.txt`), text);
    const sources = await Promise.all(
      ['m.jsonl', 'm.csv', 'mails'].map((text) => fromText({ text, length: 6 }, { folder: home, seed: 2 })),
    );
    const { vocabulary } = sources[0].encoding as { vocabulary: string[] };
    expect(vocabulary.slice(0, 2)).toEqual([',', 'win']);
    const rows = await numbersOf(sources[0]);
    expect(rows.inputs[rows.labels.findIndex(([, spam]) => spam === 1)]).toEqual(
      ['win', 'money', ',', 'win', 'now', '!'].map((word) => vocabulary.indexOf(word) + 2),
    );
    expect(await numbersOf(sources[1])).toEqual(rows);
    const test = await numbersOf(sources[0], 'test');
    expect(test.inputs.flat().every((id) => id >= 1 && id < vocabulary.length + 2)).toBe(true);
    const characters = await fromText({ text: 'm.jsonl', unit: 'character', length: 8 }, { folder: home });
    expect((characters.encoding as { vocabulary: string[] }).vocabulary).toContain('W');
  });
});

describe("one's own", () => {
  const values = Float32Array.from({ length: 20 }, (_, i) => i);
  const batch = (): Batch => ({ inputs: tf.ones([3, 2]), labels: tf.zeros([3, 1]) });
  it('are arrays, functions of the epoch, or tf.data', async () => {
    const inputs = { shape: [10, 2], values };
    const labels = { shape: [10], values: Int32Array.from({ length: 10 }, (_, i) => i % 2) };
    const arrays = await fromOwn({ inputs, labels }, 'mine');
    expect([
      arrays.repeatable,
      arrays.labels[0].classes,
      arrays.batches('train', { batchSize: 2 }).size,
    ]).toEqual([true, ['0', '1'], 8]);
    async function* twice() {
      yield batch();
      yield batch();
    }
    const functions = await fromOwn(
      { train: twice, validation: () => [batch()], test: () => [batch()] },
      'mine',
    );
    const training = functions.batches('train', { batchSize: 99 });
    expect([functions.repeatable, training.size, training.stepsPerEpoch]).toEqual([false, 6, 2]);
    const given = [{ xs: tf.ones([2, 2]), ys: tf.ones([2, 1]) }];
    const dataset = {
      iterator: async () => {
        const left = [...given];
        return {
          next: async () => {
            const value = left.shift();
            return value ? { value, done: false as const } : { value: undefined, done: true as const };
          },
        };
      },
    };
    const streams = await fromOwn({ train: dataset }, 'mine');
    expect([streams.batches('train', { batchSize: 1 }).stepsPerEpoch, streams.inputs]).toEqual([
      1,
      [{ shape: [2] }],
    ]);
  });
});

it('classes that were saved as floats are classes where it is said how many there are', async () => {
  const home = folder();
  const wave = Float32Array.from({ length: 20 }, (_, i) => Math.sin(i));
  write(join(home, 'x.npy'), writeNpy([20, 1], wave));
  write(
    join(home, 'y.npy'),
    writeNpy(
      [20],
      Float32Array.from({ length: 20 }, (_, i) => i % 3),
    ),
  );
  write(
    join(home, 'z.npy'),
    writeNpy(
      [20],
      Float32Array.from({ length: 20 }, (_, i) => (i % 3) / 2),
    ),
  );
  const made = (labels: string): Promise<DataSource> =>
    fromArrays({ inputs: 'x.npy', labels, classes: 3 }, { folder: home });
  expect((await made('y.npy')).labels).toEqual([{ shape: [3], classes: ['0', '1', '2'], numbers: false }]);
  await expect(made('z.npy')).rejects.toThrow(/z\.npy: the label of example 1 is 0\.5; there are 3 classes/);
});
