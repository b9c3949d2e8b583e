import '@tensorflow/tfjs-backend-cpu';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import compress from '../src/commands/compress.js';
import { writePlain } from '../src/pipeline/plain.js';
import { folder } from './fixtures.js';
import { printed } from './printed.js';

beforeAll(() => tf.ready());

/** A net on four numbers, and a table of 600 rows whose class it finds but for every tenth. */
async function files(): Promise<{ model: string; data: string; dir: string }> {
  const dir = folder();
  const initializer = (seed: number) => tfl.initializers.glorotUniform({ seed });
  const net = tfl.sequential({
    layers: [
      tfl.layers.dense({ units: 40, activation: 'relu', inputShape: [4], kernelInitializer: initializer(1) }),
      tfl.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: initializer(2) }),
    ],
  });
  const x = tf.randomNormal([600, 4], 0, 1, 'float32', 3) as tf.Tensor2D;
  const rows = x.arraySync();
  const found = tf.tidy(() => [...(tf.argMax(net.predict(x) as tf.Tensor, 1).dataSync() as Int32Array)]);
  const lines = rows.map((row, i) => [
    ...row,
    `c${i % 10 === 0 ? ((found[i] as number) + 1) % 3 : found[i]}`,
  ]);
  writeFileSync(join(dir, 'rows.csv'), ['a,b,c,d,kind', ...lines.map((line) => line.join(','))].join('\n'));
  await net.save({
    save: async (artifacts) => {
      await writePlain(join(dir, 'model'), artifacts as never);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  net.dispose();
  x.dispose();
  const data = `{ csv: ${join(dir, 'rows.csv')}, target: kind, standardize: none, validation: 0.4, test: 0.3 }`;
  return { model: join(dir, 'model', 'model.json'), data, dir };
}

describe('espalier compress --metric accuracy', () => {
  it('loses no more on the test part than was said, and takes less than half of what is without loss', async () => {
    const { model, data, dir } = await files();
    const out = join(dir, 'a.esp');
    const common = [model, '--backend', 'cpu', '-o', out];
    const { accuracy, measuredOn, bytes, losslessBytes, met } = JSON.parse(
      await printed(compress, [...common, '--metric', 'accuracy', '--data', data, '--points', '3', '--json']),
    );
    expect([met, measuredOn, bytes]).toEqual([true, 'given inputs', statSync(out).size]);
    expect(accuracy.examples).toBe(180);
    expect(accuracy.before).toBeGreaterThan(0.8);
    expect(accuracy.lost).toBeCloseTo(100 * (accuracy.before - accuracy.after), 9);
    expect(accuracy.lost).toBeLessThanOrEqual(3);
    expect(bytes).toBeLessThan(0.5 * losslessBytes);
    const text = await printed(compress, [
      ...common,
      '--metric',
      'accuracy',
      '--data',
      data,
      '--points',
      '3',
    ]);
    expect(text).toMatch(
      /accuracy \d+\.\d\d % before, \d+\.\d\d % after: -?\d\.\d\d points lost, on 180 examples/,
    );
  });

  it.each([
    [['--metric', 'recall', '--data', 'mnist'], "--metric is 'recall'"],
    [['--metric', 'accuracy'], '--data'],
    [['--data', 'mnist'], '--metric accuracy'],
    [['--points', '1'], '--metric accuracy'],
    [['--metric', 'accuracy', '--data', 'mnist', '--points', '-1'], "--points is '-1'"],
    [['--metric', 'accuracy', '--data', 'mnist', '--points', ''], '--points'],
    [['--metric', 'accuracy', '--data', 'mnist', '--size', '1000'], "--size is '1000'"],
    [['--metric', 'accuracy', '--data', 'mnist', '--aims', '30,40'], "--aims is '30,40'"],
    [['--metric', 'accuracy', '--data', '{ csvv: x.csv }'], 'csvv'],
  ])('refuses %o', async (args, message) => {
    const { model, dir } = await files();
    const all = [model, '--backend', 'cpu', '-o', join(dir, 'a.esp'), ...args];
    await expect(printed(compress, all)).rejects.toThrow(message);
  });
});
