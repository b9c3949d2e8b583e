import '@tensorflow/tfjs-backend-cpu';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { builtIn, fromArrays, fromCsv, fromImages, fromOwn, fromText } from '@espalier/datasets';
import { npyBytes, writeNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { steadily } from '../src/steady.js';
import { flowers, folder, picture, redAndBlue, write } from './made.js';

const floats = (home: string, name: string, shape: number[], value = 1): string =>
  write(join(home, name), writeNpy(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value)));
const integers = (home: string, name: string, values: number[]): string =>
  write(
    join(home, name),
    npyBytes({
      name,
      shape: [values.length],
      type: 'int32',
      bytes: new Uint8Array(Int32Array.from(values).buffer),
    }),
  );
const table = (home: string, change: (line: string, i: number) => string): string =>
  flowers(join(home, 't.csv'), 40, change);
const kind = { csv: 't.csv', target: 'kind' };
const xy = { inputs: 'x.npy', labels: 'y.npy' };

/** What is wrong, the files that are, the source of them, and the sentence that is said. */
const cases: readonly (readonly [
  string,
  (home: string) => unknown,
  (folder: string) => Promise<unknown>,
  RegExp,
])[] = [
  [
    'a pipe, which would be waited for',
    (home) => spawnSync('mkfifo', [join(home, 't.csv')]),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv is no regular file/,
  ],
  [
    'a folder in the place of a table',
    (home) => mkdirSync(join(home, 't.csv')),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv is a folder/,
  ],
  [
    'a device in the place of a text',
    (home) => symlinkSync('/dev/zero', join(home, 't.txt')),
    (folder) => fromText({ text: 't.txt' }, { folder }),
    /t\.txt is no regular file/,
  ],
  ['no file', () => {}, (folder) => fromCsv(kind, { folder }), /There is no file .*t\.csv\./],
  [
    'an empty table',
    (home) => write(join(home, 't.csv'), ''),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv holds no rows/,
  ],
  [
    'a head alone',
    (home) => write(join(home, 't.csv'), 'a,kind\n'),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv holds no rows/,
  ],
  [
    'a row too short',
    (home) => table(home, (line, i) => (i === 5 ? '1,red' : line)),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv: Invalid Record Length.*line 6/s,
  ],
  [
    'an open quote',
    (home) => table(home, (line, i) => (i === 5 ? `"${line}` : line)),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv: Quote Not Closed/,
  ],
  [
    'two columns of a name',
    (home) => table(home, (line, i) => (i === 0 ? line.replace('price', 'length') : line)),
    (folder) => fromCsv(kind, { folder }),
    /two columns 'length'/,
  ],
  [
    'no such target',
    (home) => table(home, (line) => line),
    (folder) => fromCsv({ ...kind, target: 'knid' }, { folder }),
    /has no column 'knid'\.\n.*Did you mean "kind"/,
  ],
  [
    'a NaN cell',
    (home) => table(home, (line, i) => (i === 4 ? line.replace(/^[^,]+/, 'NaN') : line)),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv:5: the column 'length' holds no number \('NaN'\)\.\n.*missing: mean or drop/,
  ],
  [
    'an infinite cell',
    (home) => table(home, (line, i) => (i === 4 ? line.replace(/^[^,]+/, 'Infinity') : line)),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv:5: the column 'length' holds 'Infinity' among numbers/,
  ],
  [
    'a text among numbers',
    (home) => table(home, (line, i) => (i === 9 ? line.replace(/^[^,]+/, '12cm') : line)),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv:10: the column 'length' holds '12cm' among numbers/,
  ],
  [
    'an empty column',
    (home) => table(home, (line, i) => (i === 0 ? line : line.replace(/^[^,]+/, ''))),
    (folder) => fromCsv(kind, { folder }),
    /the column 'length' is empty/,
  ],
  [
    'a name of each row',
    (home) => table(home, (line, i) => line.replace(/^[^,]+/, `row ${i}x`).replace('row 0x', 'length')),
    (folder) => fromCsv(kind, { folder }),
    /'length' has 40 different texts in 40 rows/,
  ],
  [
    'a target that is missing',
    (home) => table(home, (line, i) => (i === 3 ? line.replace(/,[^,]+$/, ',') : line)),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv:4: the target 'kind' is missing/,
  ],
  [
    'a target of one class',
    (home) => table(home, (line) => line.replace('rose', 'daisy')),
    (folder) => fromCsv(kind, { folder }),
    /'kind' is 'daisy' everywhere/,
  ],
  [
    'a class that is nowhere to learn',
    (home) =>
      table(home, (line, i) => (i === 7 ? line.replace('rose', 'lily').replace('daisy', 'lily') : line)),
    (folder) => fromCsv({ ...kind, test: 39, validation: 0 }, { folder, seed: 1 }),
    /has no example in the training split|everywhere/,
  ],
  [
    'nothing left to train on',
    (home) => table(home, (line) => line),
    (folder) => fromCsv({ ...kind, test: 30, validation: 10 }, { folder }),
    /of 40 examples, 10 for validation and 30 for the test leave none/,
  ],
  [
    'an option that is none',
    (home) => table(home, (line) => line),
    (folder) => fromCsv({ ...kind, tset: 1 } as never, { folder }),
    /unknown option "tset".*\n.*Did you mean "test"/,
  ],
  [
    'shapes that disagree',
    (home) => [floats(home, 'x.npy', [10, 2]), floats(home, 'y.npy', [9])],
    (folder) => fromArrays(xy, { folder }),
    /x\.npy has 10 examples, y\.npy has 9/,
  ],
  [
    'no examples',
    (home) => [floats(home, 'x.npy', [0, 2]), floats(home, 'y.npy', [0])],
    (folder) => fromArrays(xy, { folder }),
    /x\.npy holds no examples/,
  ],
  [
    'a NaN in an array',
    (home) => [floats(home, 'x.npy', [10, 2], Number.NaN), floats(home, 'y.npy', [10])],
    (folder) => fromArrays(xy, { folder }),
    /x\.npy: example 0 holds NaN/,
  ],
  [
    'labels out of range',
    (home) => [floats(home, 'x.npy', [4, 2]), integers(home, 'y.npy', [0, 1, 2, 1])],
    (folder) => fromArrays({ ...xy, classes: 2 }, { folder }),
    /y\.npy: the label of example 2 is 2; there are 2 classes, from 0/,
  ],
  [
    'labels below 0',
    (home) => [floats(home, 'x.npy', [4, 2]), integers(home, 'y.npy', [0, -1, 1, 1])],
    (folder) => fromArrays(xy, { folder }),
    /the label of example 1 is -1/,
  ],
  [
    'a class without examples',
    (home) => [floats(home, 'x.npy', [4, 2]), integers(home, 'y.npy', [0, 2, 2, 0])],
    (folder) => fromArrays(xy, { folder }),
    /the class 1 has no example/,
  ],
  [
    'weights below 0',
    (home) => [floats(home, 'x.npy', [4, 2]), floats(home, 'y.npy', [4], -1)],
    (folder) => fromArrays({ ...xy, weights: 'y.npy' }, { folder }),
    /y\.npy is no list of weights/,
  ],
  [
    'no such array',
    (home) => floats(home, 'x.npy', [4, 2]),
    (folder) => fromArrays({ inputs: 'x.npy#a', labels: 'x.npy' }, { folder }),
    /x\.npy has no array 'a'/,
  ],
  [
    'a file of something else',
    (home) => write(join(home, 'x.npy'), 'hello, world'),
    (folder) => fromArrays({ inputs: 'x.npy', labels: 'x.npy' }, { folder }),
    /x\.npy is no \.npy file/,
  ],
  [
    'an empty class',
    (home) => [redAndBlue(home), write(join(home, 'green', '.keep'), '')],
    (folder) => fromImages({ images: '.' }, { folder }),
    /The class .*green is empty/,
  ],
  [
    'one class',
    (home) => picture(join(home, 'red', 'a.png'), [2, 2], () => [1, 2, 3]),
    (folder) => fromImages({ images: '.' }, { folder }),
    /holds 1 folder of a class/,
  ],
  [
    'no folder',
    () => {},
    (folder) => fromImages({ images: 'photos' }, { folder }),
    /There is no folder .*photos/,
  ],
  [
    'a picture that is none',
    (home) => [redAndBlue(home), write(join(home, 'red', 'x.png'), 'hello')],
    (folder) => fromImages({ images: '.' }, { folder }),
    /x\.png is neither PNG nor JPEG/,
  ],
  [
    'a picture that is cut off',
    (home) => {
      const file = picture(join(redAndBlue(home), 'red', 'x.png'), [6, 8], (y, x) => [y, x, 9]);
      write(file, readFileSync(file).subarray(0, 60));
    },
    (folder) => fromImages({ images: '.' }, { folder }),
    /Cannot read the picture .*x\.png/,
  ],
  [
    'a picture of a kind that is not read',
    (home) => [redAndBlue(home), write(join(home, 'red', 'x.webp'), 'II*.....')],
    (folder) => fromImages({ images: '.' }, { folder }),
    /x\.webp is neither PNG nor JPEG, nor WebP, GIF or BMP\.\n.*Convert/,
  ],
  [
    'a picture that ends in its head',
    (home) => [redAndBlue(home), write(join(home, 'red', 'x.webp'), 'RIFF....WEBPVP8 ')],
    (folder) => fromImages({ images: '.' }, { folder }),
    /x\.webp is neither PNG nor JPEG/,
  ],
  [
    'pictures of several sizes',
    (home) => picture(join(redAndBlue(home), 'red', 'x.png'), [5, 5], () => [1, 2, 3]),
    (folder) => fromImages({ images: '.' }, { folder }),
    /x\.png has 5 x 5 pixels.*\n.*size: 96/,
  ],
  [
    'a class of the test alone',
    (home) => {
      for (const part of ['train', 'test']) redAndBlue(join(home, part), 3);
      picture(join(home, 'test', 'green', 'x.png'), [6, 8], () => [1, 2, 3]);
    },
    (folder) => fromImages({ images: '.' }, { folder }),
    /green is of a class that the training folder does not have/,
  ],
  [
    'a jitter of 2',
    (home) => redAndBlue(home),
    (folder) => fromImages({ images: '.', augment: { jitter: { contrast: 2 } } }, { folder }),
    /augment\.jitter\.contrast is 2/,
  ],
  [
    'a line that is no JSON',
    (home) => write(join(home, 't.jsonl'), '{"text":"a","label":"b"}\n{"text":\n'),
    (folder) => fromText({ text: 't.jsonl' }, { folder }),
    /t\.jsonl:2 is no JSON/,
  ],
  [
    'a line without a text',
    (home) => write(join(home, 't.jsonl'), '{"txt":"a","label":"b"}\n'),
    (folder) => fromText({ text: 't.jsonl' }, { folder }),
    /t\.jsonl:1 has no text 'text'.*\n.*Did you mean "txt"/,
  ],
  [
    'texts of one class',
    (home) => write(join(home, 't.jsonl'), '{"text":"a","label":"b"}\n'),
    (folder) => fromText({ text: 't.jsonl' }, { folder }),
    /1 texts of 1 class/,
  ],
  [
    'no texts',
    () => {},
    (folder) => fromText({ text: 't.pdf' }, { folder }),
    /t\.pdf holds no texts that are read/,
  ],
  [
    'a factory of nothing',
    () => {},
    () => fromOwn(undefined as never, 'mine'),
    /mine gives no data\.\n.*Give \{ inputs, labels \}/,
  ],
  [
    'a factory of no batches',
    () => {},
    () => fromOwn({ train: () => [] }, 'mine'),
    /mine: train gives no batch/,
  ],
  [
    'a factory of no tensors',
    () => {},
    () => fromOwn({ train: () => [{ inputs: 1 }] as never }, 'mine'),
    /mine: train gives something that is no batch/,
  ],
  [
    'another delimiter',
    (home) => table(home, (line) => line.replaceAll(',', ';')),
    (folder) => fromCsv(kind, { folder }),
    /has no column 'kind'\.\n.*is the delimiter ";"\?/,
  ],
  [
    'decimal commas',
    (home) => table(home, (line, i) => (i === 0 ? line : line.replace(/^[^,]+/, `"${i},5"`))),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv:2: the column 'length' holds '1,5'\.\n.*decimal: ','/,
  ],
  [
    'a few decimal commas',
    (home) => table(home, (line, i) => (i === 2 ? line.replace(/^[^,]+/, '"2,5"') : line)),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv:3: the column 'length' holds '2,5'/,
  ],
  [
    'a decimal sign that is none',
    (home) => table(home, (line) => line),
    (folder) => fromCsv({ ...kind, decimal: ';' as never }, { folder }),
    /decimal is ";"\.\n.*'\.' or ','/,
  ],
  [
    'a table that is not UTF-8',
    (home) => write(join(home, 't.csv'), Buffer.from('a,kind\n1,elm\n2,m\xfcll\n', 'latin1')),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv:3 is not UTF-8\.\n.*Save the file as UTF-8/,
  ],
  [
    'a spreadsheet that is called a table',
    (home) => write(join(home, 't.csv'), Buffer.from('PK\x03\x04\x14\0\0\0kind')),
    (folder) => fromCsv(kind, { folder }),
    /t\.csv is no text: it holds bytes of 0/,
  ],
  [
    'texts that are not UTF-8',
    (home) => write(join(home, 't.jsonl'), Buffer.from('{"text":"\xe9","label":"b"}\n', 'latin1')),
    (folder) => fromText({ text: 't.jsonl' }, { folder }),
    /t\.jsonl:1 is not UTF-8/,
  ],
  [
    'a text too short',
    (home) => write(join(home, 't.txt'), 'abcdefgh'.repeat(10)),
    (folder) => fromText({ text: 't.txt' }, { folder }),
    /t\.txt has 72 characters for train, too few for a sequence of 64\.\n.*smaller length/,
  ],
  [
    'weights without an end',
    (home) => [floats(home, 'x.npy', [4, 2]), floats(home, 'w.npy', [4], Number.POSITIVE_INFINITY)],
    (folder) => fromArrays({ inputs: 'x.npy', labels: 'x.npy', weights: 'w.npy' }, { folder }),
    /w\.npy is no list of weights/,
  ],
  [
    'weights of nothing',
    (home) => [floats(home, 'x.npy', [4, 2]), floats(home, 'w.npy', [4], 0)],
    (folder) => fromArrays({ inputs: 'x.npy', labels: 'x.npy', weights: 'w.npy' }, { folder }),
    /w\.npy is no list of weights/,
  ],
  [
    'a class that is held out as a whole',
    (home) => [floats(home, 'x.npy', [9, 2]), integers(home, 'y.npy', [0, 0, 0, 0, 1, 1, 1, 1, 2])],
    (folder) => fromArrays({ ...xy, validation: 4, test: 4 }, { folder }),
    /x\.npy: the class '\d' has no example in the training split/,
  ],
  [
    'a picture that is a link to nowhere',
    (home) => symlinkSync(join(home, 'gone.png'), join(redAndBlue(home), 'red', 'x.png')),
    (folder) => fromImages({ images: '.' }, { folder }),
    /There is no file .*x\.png/,
  ],
  [
    'batches whose tensors disagree',
    () => {},
    () => fromOwn({ train: () => [{ inputs: tf.ones([4, 2]), labels: tf.ones([3, 1]) }] }, 'mine'),
    /mine: train gives a batch whose tensors have 4 and 3 examples/,
  ],
  [
    'a batch of a scalar',
    () => {},
    () => fromOwn({ train: () => [{ inputs: tf.ones([4, 2]), labels: tf.scalar(1) }] }, 'mine'),
    /tensors have 4 and no examples/,
  ],
  [
    'batches of several shapes',
    () => {},
    () =>
      fromOwn(
        { train: () => [2, 3].map((n) => ({ inputs: tf.ones([4, n]), labels: tf.ones([4, 1]) })) },
        'mine',
      ),
    /gives a batch of \[3\] and \[1\] after one of \[2\] and \[1\]/,
  ],
  [
    'weights of batches that are no tensor',
    () => {},
    () =>
      fromOwn(
        { train: () => [{ inputs: tf.ones([2, 2]), labels: tf.ones([2, 1]), weights: [1, 2] }] } as never,
        'mine',
      ),
    /gives weights that are no tensor/,
  ],
  [
    'labels of fractions that are called classes',
    () => {},
    () =>
      fromOwn(
        {
          inputs: { shape: [4, 1], values: new Float64Array(4).fill(Number.NaN) as never },
          labels: { shape: [4], values: Float64Array.of(0, 1, 0, 1) as never },
        },
        'mine',
      ),
    /mine: inputs: example 0 holds NaN/,
  ],
  [
    'a path as a name',
    () => {},
    async () => builtIn('./my.csv'),
    /Unknown data set ".\/my\.csv"\.\n.*data: \{ csv: \.\/my\.csv, target/,
  ],
];

test.each(cases)('%s', async (_, files, source, says) => {
  const home = folder();
  files(home);
  const error = (await source(home).then(
    () => new Error('nothing was said'),
    (cause: Error) => cause,
  )) as Error & { code?: string };
  expect(error.message).toMatch(says);
  expect(error.code).toBeTypeOf('string');
});

test('a file that grows while it is read', async () => {
  const file = write(join(folder(), 'grows.csv'), 'a,b\n');
  const growing = async (path: string): Promise<void> => appendFileSync(path, '1,2\n');
  await expect(steadily(file, growing)).rejects.toThrow(/grows\.csv has changed while it was read/);
});

test.each([
  ['a table', 't.csv', (file: string) => fromCsv({ csv: file, target: 'kind' })],
  ['texts', 't.jsonl', (file: string) => fromText({ text: file })],
  ['an array', 'x.npy', (file: string) => fromArrays({ inputs: file, labels: file })],
])('%s that grows while it is read, as its factory says it', async (_, name, source) => {
  const home = folder();
  const file =
    name === 'x.npy'
      ? floats(home, name, [2 ** 20])
      : name === 't.csv'
        ? flowers(join(home, name), 20_000)
        : write(join(home, name), '{"text":"a b","label":"c"}\n'.repeat(50_000));
  const reading = source(file).then(
    () => 'nothing was said',
    (error: Error) => error.message,
  );
  let growing = true;
  const grow = async (): Promise<void> => {
    while (growing) {
      appendFileSync(file, ' ');
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const grown = grow();
  const said = await reading;
  growing = false;
  await grown;
  expect(said).toMatch(/has changed while it was read\.\n.*start again/);
});

test("classes may be links to folders, and numbers of one's own of any type", async () => {
  const home = folder();
  redAndBlue(join(home, 'elsewhere'), 5);
  mkdirSync(join(home, 'photos'));
  for (const name of ['red', 'blue']) symlinkSync(join(home, 'elsewhere', name), join(home, 'photos', name));
  const source = await fromImages({ images: join(home, 'photos') });
  expect(source.labels[0].classes).toEqual(['blue', 'red']);
  const own = await fromOwn(
    {
      inputs: { shape: [6, 1], values: Float64Array.of(0.5, 1, 2, 3, 4, 5) as never },
      labels: { shape: [6], values: BigInt64Array.of(0n, 1n, 0n, 1n, 0n, 1n) as never },
    },
    'mine',
  );
  expect(own.labels[0].classes).toEqual(['0', '1']);
  const numbers = await fromOwn(
    {
      inputs: { shape: [4, 1], values: new Int16Array(4) as never },
      labels: { shape: [4], values: Float64Array.of(0.5, 1, 2, 3) as never },
    },
    'mine',
  );
  expect(numbers.labels[0]).toMatchObject({ shape: [1], numbers: true });
});
