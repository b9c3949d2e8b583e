import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { dense, unitsLeft, withConstant } from './constants.js';
import { graph, on, type T, write } from './models.js';

const conv = (name: string, more = {}): layers.Layer =>
  layers.conv2d({ name, filters: 3, kernelSize: 2, ...more } as never);
/** Two branches of the same input, of which both have a constant in unit 1. */
const both = (layer: layers.Layer) => (x: T) => on(layer, [on(dense('a'), x), on(dense('c'), x)]);

describe('a constant unit goes, and what it gave goes into the next bias', () => {
  const cases: [string, number[], (x: T) => T, (readonly string[])?][] = [
    ['at once', [4], (x) => on(dense('a'), x)],
    ['through its activation', [4], (x) => on(dense('a', 3, { activation: 'sigmoid' }), x)],
    [
      'through an activation layer',
      [4],
      (x) => on(layers.activation({ activation: 'tanh' }), on(dense('a'), x)),
    ],
    ['through a rectifier', [4], (x) => on(layers.reLU(), on(dense('a'), x))],
    ['through a leaky one', [4], (x) => on(layers.leakyReLU({ alpha: 0.2 }), on(dense('a'), x))],
    ['through ELU', [4], (x) => on(layers.elu(), on(dense('a'), x))],
    ['through a threshold', [4], (x) => on(layers.thresholdedReLU({ theta: 0.1 }), on(dense('a'), x))],
    ['through slopes that are learned', [4], (x) => on(layers.prelu(), on(dense('a'), x))],
    [
      'through batch normalisation',
      [4],
      (x) => on(layers.batchNormalization({ name: 'n' }), on(dense('a'), x)),
    ],
    ['through dropout', [4], (x) => on(layers.dropout({ rate: 0.5 }), on(dense('a'), x))],
    [
      'through repetition',
      [4],
      (x) => on(layers.flatten(), on(layers.repeatVector({ n: 3 }), on(dense('a'), x))),
    ],
    [
      'through a reshape to fewer axes',
      [2, 4],
      (x) => on(layers.reshape({ targetShape: [6] }), on(dense('a'), x)),
    ],
    [
      'through a reshape to more axes',
      [4],
      (x) => on(layers.flatten(), on(layers.reshape({ targetShape: [1, 3] }), on(dense('a'), x))),
    ],
    [
      'through a permutation of other axes',
      [2, 5, 4],
      (x) => on(layers.flatten(), on(layers.permute({ dims: [2, 1, 3] }), on(dense('a'), x))),
    ],
    ['through a sum', [4], both(layers.add() as layers.Layer), ['a', 'c']],
    ['through a product', [4], both(layers.multiply() as layers.Layer), ['a', 'c']],
    ['through a mean', [4], both(layers.average() as layers.Layer), ['a', 'c']],
    ['through a maximum', [4], both(layers.maximum() as layers.Layer), ['a', 'c']],
    ['through a minimum', [4], both(layers.minimum() as layers.Layer), ['a', 'c']],
    ['through a concatenation', [4], both(layers.concatenate() as layers.Layer)],
    [
      'through a concatenation along another axis',
      [4, 4],
      (x) => on(layers.flatten(), both(layers.concatenate({ axis: 1 }) as layers.Layer)(x)),
      ['a', 'c'],
    ],
    ['of a convolution', [5, 5, 2], (x) => on(layers.flatten(), on(conv('a', { padding: 'same' }), x))],
    [
      'through pooling',
      [5, 5, 2],
      (x) =>
        on(
          layers.globalMaxPooling2d({}),
          on(
            layers.averagePooling2d({ poolSize: 2 }),
            on(layers.maxPooling2d({ poolSize: 2, strides: 1 }), on(conv('a'), x)),
          ),
        ),
    ],
    [
      'into a convolution without edges',
      [5, 5, 2],
      (x) => on(layers.flatten(), on(conv('b'), on(conv('a'), x))),
    ],
    [
      'into a convolution of single positions',
      [5, 5, 2],
      (x) => on(layers.flatten(), on(conv('b', { padding: 'same', kernelSize: 1 }), on(conv('a'), x))),
    ],
    [
      'through a depthwise convolution',
      [5, 5, 2],
      (x) =>
        on(
          layers.flatten(),
          on(layers.depthwiseConv2d({ name: 'b', kernelSize: 2, depthMultiplier: 2 }), on(conv('a'), x)),
        ),
    ],
    [
      'into a separable convolution',
      [5, 5, 2],
      (x) =>
        on(
          layers.flatten(),
          on(
            layers.separableConv2d({
              name: 'b',
              kernelSize: 2,
              filters: 3,
              depthMultiplier: 2,
            }) as layers.Layer,
            on(conv('a'), x),
          ),
        ),
    ],
    ['into a recurrent layer', [3, 4], (x) => on(layers.gru({ name: 'b', units: 2 }), on(dense('a'), x))],
    [
      'at every time step',
      [3, 4],
      (x) => on(layers.flatten(), on(layers.timeDistributed({ name: 'a', layer: dense('a') }), x)),
    ],
  ];

  test.each(cases)('%s', async (_, shape, build, of) => {
    for (const bias of [0.75, 0]) {
      const run = withConstant(
        graph(shape, (x) => on(dense('out', 2), build(x))),
        bias,
        of,
      );
      expect(await unitsLeft(run, shape)).toBe(2);
    }
  });

  test.each([
    ['sum', () => layers.add()],
    ['product', () => layers.multiply()],
    ['mean', () => layers.average()],
    ['maximum', () => layers.maximum()],
    ['minimum', () => layers.minimum()],
  ])('through a %s of constants that differ', async (_, make) => {
    for (const [bias, more] of [
      [0.75, -0.5],
      [-0.25, 1],
      [0.5, -0.5],
    ]) {
      const run = withConstant(
        graph([4], (x) => on(dense('out', 2), both(make() as layers.Layer)(x))),
        bias,
        ['a', 'c'],
        more,
      );
      expect(await unitsLeft(run, [4])).toBe(2);
    }
  });

  test('with a channel that is spread over all, as far as that is constant', async () => {
    for (const make of [layers.add, layers.multiply]) {
      const built = graph([4], (x) =>
        on(dense('out', 2), on(make() as layers.Layer, [on(dense('a'), x), on(dense('one', 1), x)])),
      );
      expect(await unitsLeft(withConstant(built, 0.75, ['a', 'one'], -0.25), [4])).toBe(2);
      const sum = make === layers.add;
      expect(await unitsLeft(withConstant(built, 0.75), [4])).toBe(3);
      expect(await unitsLeft(withConstant(built, 0), [4])).toBe(sum ? 3 : 2);
    }
  });

  test.each([-1, 2, undefined])('through a concatenation along the channels, axis %s', async (axis) => {
    const built = graph([4, 4], (x) =>
      on(
        dense('out', 2),
        on(layers.flatten(), both(layers.concatenate(axis === undefined ? {} : { axis }) as layers.Layer)(x)),
      ),
    );
    // The other branch is not as long.
    expect(await unitsLeft(withConstant(built, 0.75), [4, 4])).toBe(2);
  });

  test.each([1, -2])('along another axis, %i, where it is the same number there', async (axis) => {
    const built = graph([4, 4], (x) =>
      on(dense('out', 2), on(layers.flatten(), both(layers.concatenate({ axis }) as layers.Layer)(x))),
    );
    expect(await unitsLeft(withConstant(built, 0.75, ['a', 'c']), [4, 4])).toBe(2);
    expect(await unitsLeft(withConstant(built, 0.75, ['a', 'c'], 0.5), [4, 4])).toBe(3);
    expect(await unitsLeft(withConstant(built, 0.75), [4, 4])).toBe(3);
  });

  test('is not the same in both branches of a sum: what is known is added up', async () => {
    const run = withConstant(
      graph([4], (x) => on(dense('out', 2), both(layers.add() as layers.Layer)(x))),
      0.75,
      ['a'],
    );
    // Unit 1 of the other branch is none: the sum varies.
    expect(await unitsLeft(run, [4])).toBe(3);
    const product = withConstant(
      graph([4], (x) => on(dense('out', 2), both(layers.multiply() as layers.Layer)(x))),
      0,
      ['a'],
    );
    // A product with 0 is 0.
    expect(await unitsLeft(product, [4])).toBe(2);
  });

  test('an embedding of which a column is the same in every row', async () => {
    const built = graph([3], (x) =>
      on(
        dense('out', 2),
        on(layers.flatten(), on(layers.embedding({ name: 'a', inputDim: 5, outputDim: 3 }), x)),
      ),
    );
    for (const odd of [undefined, 0, 4]) {
      const run = withConstant(built, 0);
      const table = run.parameter('a/embeddings');
      const values = Array.from(table.variable.dataSync(), (v, i) => (i % 3 === 1 ? 0.5 : v));
      if (odd !== undefined) values[3 * odd + 1] = 0.25;
      write(table, values);
      expect(await unitsLeft(run, [3], true)).toBe(odd === undefined ? 2 : 3);
    }
  });

  test('batch normalisation with a scale of 0 makes a constant of anything', async () => {
    const built = graph([4], (x) =>
      on(dense('out', 2), on(layers.batchNormalization({ name: 'n' }), on(dense('a'), x))),
    );
    const run = withConstant(built, 0, []);
    write(run.parameter('n/gamma'), [1, 0, 2]);
    expect(await unitsLeft(run, [4])).toBe(2);
  });
});

describe('a constant unit stays', () => {
  const cases: [string, number[], (x: T) => T, number?][] = [
    ['where padding makes it two numbers', [5, 5, 2], (x) => on(layers.zeroPadding2d(), on(conv('a'), x))],
    [
      'where a convolution meets its edges',
      [5, 5, 2],
      (x) => on(conv('b', { padding: 'same' }), on(conv('a'), x)),
    ],
    [
      'where a depthwise one does',
      [5, 5, 2],
      (x) => on(layers.depthwiseConv2d({ name: 'b', kernelSize: 2, padding: 'same' }), on(conv('a'), x)),
    ],
    [
      'where fewer products meet at the edges of a transposed one',
      [5, 5, 2],
      (x) => on(layers.conv2dTranspose({ name: 'b', filters: 3, kernelSize: 2 }), on(conv('a'), x)),
    ],
    [
      'where a learned slope depends on the position',
      [2, 4],
      (x) => on(layers.prelu(), on(dense('a'), x)),
      -0.5,
    ],
  ];

  test.each(cases)('%s', async (_, shape, build, bias = 0.75) => {
    const built = graph(shape, (x) => on(dense('out', 2), on(layers.flatten(), build(x))));
    expect(await unitsLeft(withConstant(built, bias), shape)).toBe(3);
    // With nothing at all it goes: 0 is 0 at the edges, too.
    expect(await unitsLeft(withConstant(built, 0), shape)).toBe(2);
  });

  test.each([
    ['of a softmax', (x: T) => on(dense('a', 3, { activation: 'softmax' }), x)],
    ['before a softmax', (x: T) => on(layers.softmax(), on(dense('a'), x))],
    [
      'before the activation of one',
      (x: T) => on(layers.activation({ activation: 'softmax' }), on(dense('a'), x)),
    ],
    [
      'before a normalisation over the channels',
      (x: T) => on(layers.layerNormalization({ name: 'n' }) as layers.Layer, on(dense('a'), x)),
    ],
  ])('%s', async (_, build) => {
    const built = graph([4], (x) => on(dense('out', 2), build(x)));
    expect(await unitsLeft(withConstant(built, 0), [4])).toBe(3);
  });
});
