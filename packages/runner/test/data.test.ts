import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { seededModel } from '@espalier/core';
import { npyBytes, readArtifacts, writeNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { flowers, redAndBlue, write } from '../../datasets/test/made.js';
import { cli } from '../src/command-line.js';
import { silent } from '../src/pipeline/listener.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import { folder } from './fixtures.js';

let backend: Awaited<ReturnType<typeof startBackend>>;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
});
beforeEach(() => {
  vi.restoreAllMocks();
});

const stages = `stages:
  - name: dense
    epochs: 3
    learningRate: 0.05
  - name: prune
    epochs: 3
    schedules:
      - use: '@espalier/pruners#agp'
        options: { final: 0.5 }
        parameters: '**/kernel'
        end: 2
`;
const net = (units: number, activation: string, first = ''): string => `model:
  layers:
${first}    - dense: { units: 8, activation: relu }
    - dense: { units: ${units}, activation: ${activation} }
`;

/** Writes a recipe, and what it needs. */
function recipe(home: string, data: string, model: string): string {
  return write(join(home, 'recipe.yaml'), `name: own\nseed: 3\ndata: ${data}\n${model}${stages}`);
}

const forms: readonly (readonly [string, (home: string) => unknown, string, string])[] = [
  [
    'a table',
    (home) => flowers(join(home, 't.csv')),
    '{ csv: t.csv, target: kind, batchSize: 8 }',
    net(2, 'softmax'),
  ],
  [
    'a table of numbers',
    (home) => flowers(join(home, 't.csv')),
    '{ csv: t.csv, target: price, standardize: all, batchSize: 8 }',
    net(1, 'linear'),
  ],
  [
    'pictures',
    (home) => redAndBlue(join(home, 'photos'), 10),
    '{ images: photos, size: 6, batchSize: 5, augment: { flip: horizontal, shift: 1, crop: 0.8, jitter: { brightness: 0.2 } } }',
    net(2, 'softmax', '    - flatten: {}\n'),
  ],
  [
    'arrays',
    (home) => {
      write(
        join(home, 'x.npy'),
        writeNpy(
          [40, 3],
          Float32Array.from({ length: 120 }, (_, i) => ((i % 7) - 3) / 3),
        ),
      );
      const labels = Int32Array.from({ length: 40 }, (_, i) => i % 2);
      write(
        join(home, 'y.npy'),
        npyBytes({ name: '', shape: [40], type: 'int32', bytes: new Uint8Array(labels.buffer) }),
      );
    },
    '{ inputs: x.npy, labels: y.npy, batchSize: 8 }',
    net(2, 'softmax'),
  ],
  [
    'texts',
    (home) =>
      write(
        join(home, 'm.jsonl'),
        Array.from({ length: 30 }, (_, i) =>
          JSON.stringify({ text: i % 2 ? 'win money now' : 'see you soon', label: i % 2 ? 'spam' : 'ham' }),
        ).join('\n'),
      ),
    '{ text: m.jsonl, length: 4, batchSize: 8 }',
    net(2, 'softmax', '    - embedding: { inputDim: 12, outputDim: 4 }\n    - flatten: {}\n'),
  ],
  [
    'a table for each part',
    (home) => {
      for (const part of ['a', 'b', 'c']) flowers(join(home, `${part}.csv`));
    },
    '{ csv: { train: a.csv, validation: b.csv, test: c.csv }, target: kind, batchSize: 8 }',
    net(2, 'softmax'),
  ],
  [
    'the words of a text',
    (home) => write(join(home, 'book.txt'), 'the cat sat on the mat ; the dog sat on the cat . '.repeat(30)),
    '{ text: book.txt, unit: word, length: 8, batchSize: 4 }',
    `model:
  layers:
    - embedding: { inputDim: 10, outputDim: 6 }
    - timeDistributed: { layer: { dense: { units: 10, activation: softmax } } }
`,
  ],
  [
    "a factory of one's own",
    (home) =>
      write(
        join(home, 'data.mjs'),
        `export const half = ({ size }) => {
  const inputs = { shape: [size, 2], values: Float32Array.from({ length: 2 * size }, (_, i) => Math.sin(i)) };
  return { inputs, labels: { shape: [size], values: Int32Array.from({ length: size }, (_, i) => i % 2) } };
};
`,
      ),
    "{ use: './data.mjs#half', options: { size: 40 }, batchSize: 8 }",
    net(2, 'softmax'),
  ],
];

describe.each(forms)('%s', (what, files, data, model) => {
  it('runs, and ends in the same bytes when it is stopped and resumed', async () => {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 2500)); // every epoch is kept
    const home = folder();
    files(home);
    const loaded = await loadRecipe(recipe(home, data, model));
    const whole = join(home, 'whole');
    const report = await runRecipe(loaded, { out: whole, backend });
    expect(report.compressed.loss).toBeLessThan(
      what === 'arrays' || what.startsWith('a factory') ? 2 : what.startsWith('the words') ? 1.5 : 0.8,
    );
    const out = join(home, 'parts');
    for (let stop = 2; ; stop += 2) {
      const controller = new AbortController();
      let epochs = 0;
      const listener = { ...silent, epoch: () => ++epochs >= 2 && controller.abort() };
      const options = {
        out,
        backend,
        listener: listener as never,
        signal: controller.signal,
        resume: stop > 2,
      };
      const done = await runRecipe(loaded, options).then(
        () => true,
        (error: { code?: string }) => {
          expect(error.code).toBe('aborted');
          return false;
        },
      );
      if (done) break;
      expect(stop).toBeLessThan(10);
    }
    expect(readFileSync(join(out, 'model.esp'))).toEqual(readFileSync(join(whole, 'model.esp')));
  }, 240_000);
});

describe('commands', () => {
  const said = async (args: readonly string[]): Promise<string> => {
    let text = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    expect(await cli([...args])).toBe(0);
    return text;
  };

  it('take the data of a recipe, and data in braces', async () => {
    const home = folder();
    const csv = flowers(join(home, 't.csv'));
    const file = recipe(home, '{ csv: t.csv, target: kind, batchSize: 8 }', net(2, 'softmax'));
    const out = join(home, 'out');
    const report = await runRecipe(await loadRecipe(file), { out, backend });
    const esp = join(out, 'model.esp');
    const of = (data: string): string[] => ['evaluate', esp, '--data', data, '--backend', 'cpu', '--json'];
    const whole = JSON.parse(await said(of(file)));
    expect(whole).toMatchObject({ size: 4, accuracy: report.compressed.accuracy });
    expect(whole.confusion.flat().reduce((a: number, b: number) => a + b)).toBe(4);
    const other = JSON.parse(await said(of(`{ csv: ${csv}, target: kind, test: 8 }`)));
    expect(other.size).toBe(8);
    const measured = ['sensitivity', esp, '--data', file, '--levels', '0.5', '--backend', 'cpu', '--json'];
    const { baseline, curves } = JSON.parse(await said([...measured, '--out', join(home, 's')]));
    expect([baseline.size, curves.length]).toEqual([4, 2]);
    const small = join(home, 'small.esp');
    const braces = `{ csv: ${csv}, target: kind }`;
    const compress = [
      'compress',
      esp,
      '-o',
      small,
      '--calibrate',
      braces,
      '--validate',
      file,
      '--quality',
      '30',
    ];
    const { fidelity } = JSON.parse(await said([...compress, '--count', '20', '--backend', 'cpu', '--json']));
    expect([fidelity.examples, fidelity.psnr >= 30]).toEqual([4, true]); // the validation split
    const schedule = write(join(home, 's.yaml'), 'version: 1\npruners: {}\npolicies: []\n');
    const imported = await said([
      'import-distiller',
      schedule,
      '--data',
      '{ csv: t.csv, target: kind }',
      '--epochs',
      '2',
    ]);
    expect(imported).toMatch(/^data: \{ csv: t\.csv, target: kind, batchSize: \d+ \}$/m);
    const artifacts = await readArtifacts(esp);
    expect(artifacts.artifacts.userDefinedMetadata).toMatchObject({
      data: { kind: 'csv', targets: [{ name: 'kind', values: ['daisy', 'rose'] }] },
    });
  }, 240_000);

  it('tell that a run over a source without an order of its own cannot be repeated', async () => {
    const home = folder();
    const warnings: string[] = [];
    const listener = { ...silent, warn: (line: string) => warnings.push(line) } as never;
    const loaded = await loadRecipe(recipe(home, '{ name: mnist }', net(2, 'softmax')));
    const data = {
      ...loaded,
      recipe: { ...loaded.recipe, data: () => ({ train: ones, validation: ones, test: ones }) },
    };
    const report = await runRecipe(data, { out: join(home, 'out'), backend, listener });
    expect(report.compressed.accuracy).toBe(1);
    expect(warnings.join()).toMatch(/data does not promise the same batches again/);
  }, 240_000);
});

/** Two outputs that have the names of two columns. */
async function twoOutputs(): Promise<tfl.LayersModel> {
  const input = tfl.input({ shape: [4] });
  const hidden = tfl.layers.dense({ name: 'hidden', units: 8, activation: 'relu' }).apply(input);
  const outputs = [
    tfl.layers.dense({ name: 'kind', units: 2, activation: 'softmax' }),
    tfl.layers.dense({ name: 'price', units: 1 }),
  ].map((layer) => layer.apply(hidden) as tfl.SymbolicTensor);
  return seededModel(tfl.model({ inputs: input, outputs }), 1);
}

it('a model of several outputs goes all the way: trained, pruned, thinned, shared, measured', async () => {
  const home = folder();
  flowers(join(home, 't.csv'));
  const loaded = await loadRecipe(
    write(
      join(home, 'recipe.yaml'),
      `name: two
data: { csv: t.csv, target: [kind, price], standardize: all, batchSize: 8 }
model: lenet-5
loss: { kind: categoricalCrossentropy, price: meanSquaredError }
stages:
  - { name: dense, epochs: 20, learningRate: 0.02 }
  - name: prune
    epochs: 4
    schedules:
      - use: '@espalier/pruners-structured#structuredLevel'
        options: { structure: units, sparsity: 0.25 }
        parameters: hidden/kernel
        end: 1
  - { name: thin, use: '@espalier/pruners-structured#thin' }
  - { name: share, use: '@espalier/quantize-kmeans#kmeans', options: { clusters: 8 }, parameters: '**/kernel' }
`,
    ),
  );
  const recipe = { ...loaded.recipe, model: twoOutputs };
  const report = await runRecipe({ ...loaded, recipe }, { out: join(home, 'out'), backend });
  expect(report.compressed.parameters).toBeLessThan(report.dense.parameters);
  expect(report.dense.loss).toBeLessThan(0.5);
}, 240_000);

const ones = () => [
  {
    inputs: tf.ones([4, 2]),
    labels: tf.tensor2d([
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ]),
  },
];
