import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { load } from '../src/model/load.js';
import { foldNormalizations } from '../src/trace/fold-batch-norm.js';
import { columnMajor, depthwise, type Layout, rowMajor } from '../src/trace/layout.js';
import { type Trace, trace } from '../src/trace/trace.js';
import { GraphBuilder, wave } from './graphs.js';
import { noise } from './models.js';

beforeAll(() => tf.ready());

const base64 = (text: string): { s: string } => ({ s: Buffer.from(text).toString('base64') });

describe('folding a normalisation', () => {
  const vectors = () =>
    new Map([
      ['s', Float32Array.of(2, 3)],
      ['o', Float32Array.of(0.5, -1)],
      ['m', Float32Array.of(4, 5)],
      ['v', Float32Array.of(3.75, 0.75)],
    ]);
  const traced = (after?: string, layout?: Layout): Trace => ({
    linear: new Map(after && layout ? [[after, layout]] : []),
    biases: new Map([['other', 'b']]),
    normalizations: [{ scale: 's', offset: 'o', mean: 'm', variance: 'v', epsilon: 0.25, after }],
  });
  const numbers = (values: Map<string, Float32Array>, ...names: string[]): number[][] =>
    names.map((name) => [...(values.get(name) ?? [])]);

  test('leaves two numbers a channel: scale over deviation, and the offset with the mean in it', () => {
    const values = vectors();
    const before = new Map(values);
    const found = foldNormalizations(traced(), values);
    // Deviations are 2 and 1.
    expect(numbers(values, 's', 'o', 'm', 'v')).toEqual([
      [1, 3],
      [-3.5, -16],
      [0, 0],
      [0.75, 0.75],
    ]);
    expect([...found]).toEqual([['other', 'b']]);
    expect(before.get('s')).toEqual(Float32Array.of(2, 3));
  });

  test.each([
    ['a matrix', rowMajor(3, 2), [1, 3, 1, 3, 1, 3]],
    ['a matrix that lies the other way', columnMajor(3, 2), [1, 1, 1, 3, 3, 3]],
    ['a depthwise kernel', depthwise(3, 2, 1), [1, 3, 1, 3, 1, 3]],
    ['a depthwise kernel of one channel', depthwise(3, 1, 2), [1, 3, 1, 3, 1, 3]],
  ])('behind %s the kernel takes the scale, and the offset is its bias', (_, layout, gains) => {
    const kernel = Float32Array.from({ length: 6 }, (_, i) => i + 1);
    const values = vectors().set('k', kernel);
    const found = foldNormalizations(traced('k', layout), values);
    expect(numbers(values, 's', 'o', 'm', 'v')).toEqual([
      [1, 1],
      [-3.5, -16],
      [0, 0],
      [0.75, 0.75],
    ]);
    expect([...(values.get('k') ?? [])]).toEqual(gains.map((gain, i) => gain * (i + 1)));
    expect(found.get('k')).toBe('o');
    expect(kernel[1]).toBe(2);
  });

  test('leaves a kernel of other channels, and one that is not a float, alone', () => {
    const values = vectors().set('k', Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(foldNormalizations(traced('k', rowMajor(2, 3)), values).has('k')).toBe(false);
    expect(numbers(values, 'k', 's')).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 3],
    ]);
    const missing = vectors();
    expect(foldNormalizations(traced('k', rowMajor(3, 2)), missing).has('k')).toBe(false);
    expect(numbers(missing, 's')).toEqual([[1, 3]]);
  });

  test('is not done where a vector is no float, or a deviation is none', () => {
    for (const [name, broken] of [
      ['v', Float32Array.of(-0.25, 1)],
      ['v', Float32Array.of(-3, 1)],
      ['s', Float32Array.of(Number.NaN, 1)],
    ] as const) {
      const values = vectors().set(name, broken);
      foldNormalizations(traced(), values);
      expect(values.get('m')).toEqual(Float32Array.of(4, 5));
    }
    for (const name of ['s', 'o', 'm', 'v']) {
      const values = vectors();
      values.delete(name);
      foldNormalizations(traced(), values);
      expect(values.get(name === 'm' ? 's' : 'm')).toEqual(
        name === 'm' ? Float32Array.of(2, 3) : Float32Array.of(4, 5),
      );
    }
  });
});

describe('what a run says of weights', () => {
  async function of(
    build: (g: GraphBuilder, x: string) => string,
    twins = new Map<string, string>(),
  ): Promise<Trace> {
    const g = new GraphBuilder();
    g.constant('w', [8, 8], wave(64, 1));
    g.constant('b', [8], wave(8, 2));
    g.node('y', 'Relu', [build(g, g.input('x', [-1, 8]))]);
    g.output('y');
    const model = await load(g.artifacts());
    const x = noise([8, 8], 1);
    try {
      return await trace(model, [x], twins);
    } finally {
      model.dispose();
      x.dispose();
    }
  }
  const product = (g: GraphBuilder, x: string, w: string, turned = false, name = 'm'): string =>
    g.node(name, 'MatMul', [x, w], { transpose_a: { b: false }, transpose_b: { b: turned } });

  test('a matrix is found behind a copy and a reshape, and not behind what moves its elements', async () => {
    const int = (values: number[]): Int32Array => Int32Array.from(values);
    const names = (found: Trace): string[] => [...found.linear.keys()];
    expect(names(await of((g, x) => product(g, x, g.node('i', 'Identity', ['w']))))).toEqual(['w']);
    const shape = (g: GraphBuilder): string => g.constant('shape', [2], int([8, 8]));
    expect(names(await of((g, x) => product(g, x, g.node('r', 'Reshape', ['w', shape(g)]))))).toEqual(['w']);
    const turned = (perm: number[]) =>
      of((g, x) => product(g, x, g.node('t', 'Transpose', ['w', g.constant('perm', [2], int(perm))])));
    expect(names(await turned([0, 1]))).toEqual(['w']);
    expect(names(await turned([1, 0]))).toEqual([]);
    expect(names(await of((g, x) => product(g, x, g.node('n', 'Neg', ['w']))))).toEqual([]);
  });

  test('a matrix that is used in another way too, or the other way round, is none', async () => {
    const names = (found: Trace): string[] => [...found.linear.keys()];
    expect(
      names(await of((g, x) => g.node('a', 'AddV2', [product(g, x, 'w'), g.node('s', 'Mul', ['w', 'w'])]))),
    ).toEqual([]);
    expect(names(await of((g, x) => product(g, product(g, x, 'w'), 'w', false, 'again')))).toEqual(['w']);
    expect(names(await of((g, x) => product(g, product(g, x, 'w'), 'w', true, 'again')))).toEqual([]);
    expect(
      names(
        await of((g, x) => {
          product(g, x, 'w');
          g.output('w');
          return 'm';
        }),
      ),
    ).toEqual([]);
  });

  test('a bias is as long as its sums, on either side of the sum; a twin is the tensor that it is the same as', async () => {
    const added = (a: string, b: string, op = 'AddV2') =>
      of((g, x) =>
        g.node(
          'a',
          op,
          [a, b].map((n) => (n === 'm' ? product(g, x, 'w') : n)),
        ),
      );
    expect([...(await added('m', 'b')).biases]).toEqual([['w', 'b']]);
    expect([...(await added('b', 'm')).biases]).toEqual([['w', 'b']]);
    expect([...(await added('m', 'b', 'Sub')).biases]).toEqual([]);
    const one = await of((g, x) =>
      g.node('a', 'AddV2', [product(g, x, 'w'), g.constant('one', [1], Float32Array.of(1))]),
    );
    expect([...one.biases]).toEqual([]);
    const twins = await of(
      (g, x) => product(g, x, g.constant('w2', [8, 8], wave(64, 1))),
      new Map([['w2', 'w']]),
    );
    expect([...twins.linear.keys()]).toEqual(['w']);
  });

  test('a normalisation is behind a sum that nobody else takes', async () => {
    const ones = { list: { i: ['1', '1', '1', '1'] } };
    const attrs = { strides: ones, dilations: ones, padding: base64('SAME'), dataFormat: base64('NHWC') };
    const after = async (
      more: (g: GraphBuilder, sum: string, norm: (of: string) => string) => string,
    ): Promise<unknown[]> => {
      const g = new GraphBuilder();
      const x = g.input('x', [-1, 4, 4, 2]);
      const sum = g.node('sum', 'Conv2D', [x, g.constant('k', [1, 1, 2, 3], wave(6, 3))], attrs);
      const norm = (of: string): string => {
        const vectors = ['scale', 'offset', 'mean', 'variance'].map((n, i) =>
          g.constant(
            n,
            [3],
            wave(3, i).map((v) => Math.abs(v) + 0.1),
          ),
        );
        return g.node('norm', 'FusedBatchNormV3', [of, ...vectors], {
          epsilon: { f: 1e-2 },
          is_training: { b: false },
          data_format: base64('NHWC'),
        });
      };
      g.node('y', 'Relu', [more(g, sum, norm)]);
      g.output('y');
      const model = await load(g.artifacts());
      const input = noise([2, 4, 4, 2], 1);
      const { normalizations } = await trace(model, [input], new Map());
      model.dispose();
      input.dispose();
      return normalizations.map((own) => [own.after, own.epsilon]);
    };
    const epsilon = Math.fround(1e-2);
    const close = (kernel: string | undefined) => [[kernel, expect.closeTo(epsilon, 6)]];
    expect(await after((_, sum, norm) => norm(sum))).toEqual(close('k'));
    expect(await after((g, sum, norm) => g.node('both', 'AddV2', [norm(sum), sum]))).toEqual(
      close(undefined),
    );
    expect(await after((g, sum, norm) => norm(g.node('half', 'Mul', [sum, g.scalar('h', 0.5)])))).toEqual(
      close(undefined),
    );
    expect(
      await after((g, sum, norm) =>
        norm(g.node('biased', 'BiasAdd', [sum, g.constant('b', [3], wave(3, 9))])),
      ),
    ).toEqual(close(undefined));
    expect(
      await after((g, sum, norm) =>
        g.node('twice', 'AddV2', [
          norm(sum),
          g.node('other', 'Conv2D', [g.node('double', 'AddV2', ['x', 'x']), 'k'], attrs),
        ]),
      ),
    ).toEqual(close(undefined));
    expect(
      await after((g, sum, norm) =>
        g.node('used', 'Mul', [
          norm(sum),
          g.node('of', 'Sum', ['k', g.constant('axes', [4], Int32Array.of(0, 1, 2, 3))]),
        ]),
      ),
    ).toEqual(close(undefined));
  });
});
