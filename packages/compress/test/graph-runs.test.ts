import '@tensorflow/tfjs-backend-cpu';
import type { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CompressOptions, compress, generateExamples, load, pixelRange } from '../src/index.js';
import { GraphBuilder, wave } from './graphs.js';

const options = { quality: 40, effort: 1 } satisfies CompressOptions;
const methodOf = (tensors: readonly { name: string; method: string }[], name: string): string | undefined =>
  tensors.find((tensor) => tensor.name === name)?.method;

let tensors = 0;
beforeEach(async () => {
  await tf.ready();
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

/** Two dense layers, and what `end` makes of them. */
function net(end: (g: GraphBuilder, y: string) => void): GraphBuilder {
  const g = new GraphBuilder();
  const x = g.input('x', [-1, 12]);
  const hidden = g.node('relu', 'Relu', [g.dense('d1', x, 12, 24, 1)]);
  end(g, g.dense('d2', hidden, 24, 16, 5));
  return g;
}

describe('inputs that take no examples', () => {
  const dropout = (training: (g: GraphBuilder) => string, g = new GraphBuilder()): GraphBuilder => {
    const y = g.dense('d1', g.input('x', [-1, 12]), 12, 8, 1);
    const half = g.node('half', 'Mul', [y, g.scalar('k', 0.5)]);
    g.node('y', 'SelectV2', [training(g), half, y]);
    g.output('y');
    return g;
  };

  test('flags are false, unless one says so', async () => {
    const artifacts = dropout((g) => g.input('training', [], 'bool')).artifacts();
    const x = tf.ones([1, 12]);
    const sums = [];
    for (const inputs of [{}, { training: true }, { 'training:0': false }]) {
      const model = await load(artifacts, inputs);
      expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
      const [y] = await model.run([x]);
      sums.push((y.dataSync() as Float32Array).reduce((a, b) => a + b, 0));
      y.dispose();
      model.dispose();
    }
    x.dispose();
    expect(sums[1] / sums[0]).toBeCloseTo(0.5, 6);
    expect(sums[2]).toBe(sums[0]);
    expect((await compress(artifacts, options)).met).toBe(true);
  });

  test('a default of the graph is what the graph says', async () => {
    const artifacts = dropout((g) => {
      const flag = g.constant('on', [], Uint8Array.of(1));
      return g.node('training', 'PlaceholderWithDefault', [flag], {
        dtype: { type: 'DT_BOOL' },
        shape: { shape: { dim: [] } },
      });
    }).artifacts();
    const model = await load(artifacts);
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    const x = tf.ones([1, 12]);
    const [y] = await model.run([x]);
    const plain = await load(artifacts, { training: false });
    const [other] = await plain.run([x]);
    expect(y.dataSync()[0] / other.dataSync()[0]).toBeCloseTo(0.5, 6);
    tf.dispose([x, y, other]);
    model.dispose();
    plain.dispose();
  });

  test('of unknown rank: an empty memory where pictures are expected, else 1', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [-1, 8, 8, 3]);
    const memory = g.input('memory', undefined);
    const scale = g.input('scale', undefined);
    const scaled = g.node('scaled', 'RealDiv', [x, scale]);
    const sum = g.node('sum', 'AddV2', [scaled, memory]);
    const kernel = g.constant('kernel', [3, 3, 3, 8], wave(216, 3));
    g.node('y', 'Conv2D', [sum, kernel], {
      strides: { list: { i: ['1', '1', '1', '1'] } },
      padding: { s: Buffer.from('SAME').toString('base64') },
      dataFormat: { s: Buffer.from('NHWC').toString('base64') },
      dilations: { list: { i: ['1', '1', '1', '1'] } },
    });
    g.output('y');
    const { met, tensors: rows } = await compress(g.artifacts(), options);
    expect([met, methodOf(rows, 'kernel')]).toEqual([true, 'compensated']);
  });

  test.each([
    [{ traning: true }, "Did you mean 'training'?"],
    [{ x: tf.ones.bind(null, [2, 3]) }, 'Input x takes [-1,12]; a value of [2,3] is given'],
  ])('refuses %o', async (inputs, message) => {
    const artifacts = dropout((g) => g.input('training', [], 'bool')).artifacts();
    const values = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, typeof value === 'function' ? value() : value]),
    ) as Record<string, tf.Tensor | boolean>;
    await expect(load(artifacts, values)).rejects.toThrow(message);
    tf.dispose(values as tf.TensorContainer);
  });
});

describe('graphs that wait for values', () => {
  /** `y = d2(relu(d1 x))` where the flag is on, else d3; or the same three times over. */
  const branch = (g: GraphBuilder, on: boolean): void => {
    const y = g.dense('d1', g.input('x', [-1, 12]), 12, 16, 1);
    const flag = g.constant('flag', [], Uint8Array.of(on ? 1 : 0));
    g.node('switch', 'Switch', [y, flag]);
    const left = g.dense('d2', 'switch:1', 16, 8, 3);
    const right = g.dense('d3', 'switch:0', 16, 8, 7);
    g.node('y', 'Merge', [right, left]);
    g.output('y');
  };

  test('a branch is taken: what it holds makes up for its errors, the other is quantised by itself', async () => {
    const g = new GraphBuilder();
    branch(g, true);
    const { met, tensors: rows, file, losslessBytes } = await compress(g.artifacts(), options);
    expect(met).toBe(true);
    expect([methodOf(rows, 'd1/w'), methodOf(rows, 'd2/w')]).toEqual(['compensated', 'compensated']);
    const d3 = rows.find(({ name }) => name === 'd3/w');
    expect([d3?.method === 'kept', d3?.unreached]).toEqual([false, true]);
    expect(file.length).toBeLessThan(0.7 * losslessBytes);
  });

  test('two at once give what each gives by itself', async () => {
    const made = [true, false].map((on) => {
      const g = new GraphBuilder();
      branch(g, on);
      return g.artifacts();
    });
    const together = await Promise.all(made.map((artifacts) => compress(artifacts, options)));
    for (const [i, artifacts] of made.entries()) {
      const alone = await compress(artifacts, options);
      expect(Buffer.from(together[i].file).equals(Buffer.from(alone.file))).toBe(true);
    }
  });

  test('a size that depends on values', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [-1, 12]);
    const column = g.node('column', 'Sum', [x, g.scalar('one', 1, 'int32')], { keep_dims: { b: false } });
    const where = g.node('where', 'Where', [g.node('above', 'Greater', [column, g.scalar('zero', -1e9)])]);
    const rows = g.node('rows', 'Squeeze', [where], { squeeze_dims: { list: { i: ['1'] } } });
    const kept = g.node('kept', 'GatherV2', [x, rows, g.scalar('axis', 0, 'int32')]);
    g.node('y', 'Tanh', [g.dense('d1', kept, 12, 16, 1)]);
    g.output('y');
    const { met, before, tensors: described } = await compress(g.artifacts(), options);
    expect([met, before, methodOf(described, 'd1/w')]).toEqual([true, [], 'compensated']);
  });
});

test('what TensorFlow.js cannot run is an error by name, and leaves no tensor', async () => {
  const g = net((graph, y) => {
    graph.node('y', 'NoSuchOperation', [y]);
    graph.output('y');
  });
  const failed = await compress(g.artifacts(), options).catch((error: EspalierError) => error);
  expect(failed).toMatchObject({ code: 'cannot-run' });
  expect((failed as Error).message).toContain('NoSuchOperation');
  expect((failed as Error).message).toContain('compressWeights');
});

describe('made-up inputs', () => {
  test('of a graph that takes pictures of whole numbers are pictures, black 0 and white 255', async () => {
    const inputs = [{ name: 'x', shape: [1, 16, 16, 3], dtype: 'int32' as const }];
    const [pictures] = generateExamples(inputs, { count: 6 });
    const values = pictures.dataSync();
    expect([pictures.dtype, pictures.shape]).toEqual(['int32', [6, 16, 16, 3]]);
    expect(Math.max(...values)).toBeGreaterThan(100);
    expect(Math.max(...values)).toBeLessThan(256);
    expect(new Set(values).size).toBeGreaterThan(40);
    pictures.dispose();
    expect(pixelRange(inputs[0], [-128, 127])).toEqual([-128, 127]);
  });

  test('of a graph that takes texts are texts', async () => {
    const g = new GraphBuilder();
    const text = g.input('text', [-1], 'string');
    g.node('bucket', 'StringToHashBucketFast', [text], { num_buckets: { i: '50' } });
    const table = g.constant('table', [50, 12], wave(600, 2));
    const row = g.node('row', 'GatherV2', [table, 'bucket', g.scalar('axis', 0, 'int32')]);
    g.node('y', 'Tanh', [g.dense('d1', row, 12, 16, 1)]);
    g.output('y');
    const { met, tensors: rows } = await compress(g.artifacts(), options);
    expect([met, methodOf(rows, 'd1/w')]).toEqual([true, 'compensated']);
  });
});
