import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelArtifacts, WeightSpec } from '../../src/artifacts.js';
import { reorderUnits } from '../../src/layouts/reorder/reorder-units.js';
import { unitOrder } from '../../src/layouts/reorder/unit-order.js';
import { copyWeights } from '../../src/layouts/reorder/weights.js';

const bits = (values: readonly number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);
/** A kernel [inputs, units] from its units, one a text: what is not a dot is a weight, a minus a negative one. */
const kernel = (...units: string[]): number[] =>
  Array.from({ length: units[0].length * units.length }, (_, i) => {
    const at = units[i % units.length][Math.floor(i / units.length)];
    return at === '.' ? 0 : at === '-' ? -1 : 1;
  });
const order = (...units: string[]): number[] => [...unitOrder(bits(kernel(...units)), units.length)];

/** By comparing all pairs: the share of common weights among those of either, three fifths of it where signs differ. */
function orderByPairs(kernel: readonly number[], units: number): number[] {
  const column = (u: number): number[] => kernel.filter((_, i) => i % units === u);
  const all = Array.from({ length: units }, (_, u) => column(u));
  const full = (u: number): number => all[u].filter((v) => v !== 0).length;
  const likeness = (a: number, b: number): number => {
    const shared: number[] = all[a].map((v, i) =>
      v !== 0 && all[b][i] !== 0 ? (Math.sign(v) === Math.sign(all[b][i]) ? 5 : 3) : 0,
    );
    const either = full(a) + full(b) - shared.filter((s) => s > 0).length;
    return either === 0 ? 5 : shared.reduce((x, y) => x + y, 0) / either;
  };
  const left = new Set(all.keys());
  let last = [...left].reduce((best, u) => (full(u) > full(best) ? u : best));
  const order = [last];
  left.delete(last);
  while (left.size > 0) {
    const from = last;
    last = [...left].reduce((best, u) => (likeness(from, u) > likeness(from, best) ? u : best));
    order.push(last);
    left.delete(last);
  }
  return order;
}

test('the weights of artifacts are one piece, of several or none', () => {
  const piece = (...bytes: number[]): ArrayBuffer => Uint8Array.from(bytes).buffer;
  expect([...new Uint8Array(copyWeights({ weightData: [piece(1, 2), piece(3)] }))]).toEqual([1, 2, 3]);
  expect([...new Uint8Array(copyWeights({ weightData: piece(4) }))]).toEqual([4]);
  expect(copyWeights({}).byteLength).toBe(0);
});

describe('an order of units', () => {
  test('is that of all pairs compared, whatever the weights', () => {
    const weight = fc.constantFrom(0, 0, 0, 1, 0.5, -1, -2, 1e-40);
    const kernels = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 100 }))
      .chain(([units, inputs]) =>
        fc.tuple(
          fc.constant(units),
          fc.array(weight, { minLength: units * inputs, maxLength: units * inputs }),
        ),
      );
    fc.assert(
      fc.property(kernels, ([units, values]) => {
        expect([...unitOrder(bits(values), units)]).toEqual(orderByPairs(values, units));
      }),
      { numRuns: 40 },
    );
  });

  test('begins with the fullest, then takes what overlaps most', () => {
    expect(order('+..', '+++', '.++')).toEqual([1, 2, 0]);
    expect(order('++..', '..++', '++++', '+++.')).toEqual([2, 3, 0, 1]);
    // Of equal ones the first.
    expect(order('+.', '.+', '+.')).toEqual([0, 2, 1]);
    expect(order('..', '++', '..', '+.')).toEqual([1, 3, 0, 2]);
  });

  test('weighs an overlap by three fifths where signs differ', () => {
    // With unit 0: four of four with other signs, 0.6; two of four with the same, 0.5; three of four, 0.75.
    expect(order('++++', '----', '++..')).toEqual([0, 1, 2]);
    expect(order('++++', '----', '+++.')).toEqual([0, 2, 1]);
    // Half of them alike: 0.8.
    expect(order('++++', '+++.', '++--')).toEqual([0, 2, 1]);
    // The more there is that is not shared, the less.
    expect(order('+++++...', '+++++...', '++++.+++')).toEqual([2, 0, 1]);
    expect(order('++++++++..', '++++++..++', '++++++....')).toEqual([0, 2, 1]);
  });

  test('takes two units of nothing for alike, and -0 for nothing', () => {
    expect(order('...', '...', '+..')).toEqual([2, 0, 1]);
    expect([...unitOrder(bits([-0, 1, 0, -0, 1, 1]), 3)]).toEqual([1, 2, 0]);
    expect(order('....', '+...', '....', '+...')).toEqual([1, 3, 0, 2]);
  });

  test('looks at inputs beyond the first 32, and at all of a word', () => {
    const long = (at: readonly number[], sign = '+'): string =>
      Array.from({ length: 70 }, (_, i) => (at.includes(i) ? sign : '.')).join('');
    expect(order(long([0, 31, 32, 69]), long([1, 33, 68]), long([31, 32, 69]))).toEqual([0, 2, 1]);
    expect(order(long([31, 63]), long([31, 63], '-'), long([31]))).toEqual([0, 1, 2]);
    const half = Array.from({ length: 70 }, (_, i) => i);
    expect(order(long(half), long(half.filter((i) => i % 2)), long(half.filter((i) => i % 3)))).toEqual([
      0, 2, 1,
    ]);
  });
});

type Layer = [className: string, config: Record<string, unknown>];
const f32 = (name: string, shape: number[]): WeightSpec => ({ name, shape, dtype: 'float32' });
/** Weights that are all different; units 0 and 2 of a kernel of 3 are alike, so that 1 and 2 change places. */
function model(layers: Layer[], specs: WeightSpec[], kernels: Record<string, number[]> = {}): ModelArtifacts {
  let next = 1;
  const data = specs.flatMap(
    ({ name, shape }) =>
      kernels[name] ?? Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next++),
  );
  return {
    modelTopology: {
      model_config: {
        class_name: 'Sequential',
        config: { layers: layers.map(([class_name, config]) => ({ class_name, config })) },
      },
    },
    weightSpecs: specs,
    weightData: Float32Array.from(data).buffer,
  };
}
const weightsOf = ({ weightSpecs = [], weightData }: ModelArtifacts): Record<string, number[]> => {
  let at = 0;
  return Object.fromEntries(
    weightSpecs.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      at += size;
      return [name, [...new Float32Array(weightData as ArrayBuffer).subarray(at - size, at)]];
    }),
  );
};
/** Of three units, 2 is like 0: the order is 0, 2, 1. */
const swapped = [1, 0, 2, 1, 0, 2, 0, 3, 0];
const dense = (name: string, more: object = {}): Layer => ['Dense', { name, ...more }];

describe('reorderUnits', () => {
  test('moves columns, biases, and the rows of the next layer', () => {
    const given = model(
      [dense('a'), ['ReLU', { name: 'r' }], dense('b')],
      [f32('a/kernel', [3, 3]), f32('a/bias', [3]), f32('b/kernel', [3, 2]), f32('b/bias', [2])],
      { 'a/kernel': swapped },
    );
    const before = weightsOf(given);
    const { artifacts, reordered, skipped } = reorderUnits(given);
    expect([reordered, skipped]).toEqual([['a'], []]);
    expect(weightsOf(artifacts)).toEqual({
      'a/kernel': [1, 2, 0, 1, 2, 0, 0, 0, 3],
      'a/bias': [1, 3, 2],
      'b/kernel': [4, 5, 8, 9, 6, 7],
      'b/bias': [10, 11],
    });
    expect(weightsOf(given)).toEqual(before);
    expect(artifacts.weightSpecs).toBe(given.weightSpecs);
  });

  test('moves what batch normalisation holds, and whole blocks behind a flattening', () => {
    const given = model(
      [
        ['Conv2D', { name: 'c', data_format: 'channels_last' }],
        ['BatchNormalization', { name: 'n', axis: [-1] }],
        ['MaxPooling2D', { name: 'p', data_format: 'channels_last' }],
        ['Flatten', { name: 'f' }],
        dense('d'),
      ],
      [
        f32('c/kernel', [1, 1, 3, 3]),
        f32('n/gamma', [3]),
        f32('n/beta', [3]),
        f32('n/moving_mean', [3]),
        f32('n/moving_variance', [3]),
        f32('d/kernel', [6, 2]),
      ],
      { 'c/kernel': swapped },
    );
    const { artifacts, reordered } = reorderUnits(given);
    expect(reordered).toEqual(['c']);
    expect(weightsOf(artifacts)).toEqual({
      'c/kernel': [1, 2, 0, 1, 2, 0, 0, 0, 3],
      'n/gamma': [1, 3, 2],
      'n/beta': [4, 6, 5],
      'n/moving_mean': [7, 9, 8],
      'n/moving_variance': [10, 12, 11],
      'd/kernel': [13, 14, 17, 18, 15, 16, 19, 20, 23, 24, 21, 22],
    });
  });

  test('moves the input channels of a convolution', () => {
    const given = model(
      [
        ['Conv2D', { name: 'c' }],
        ['Conv2D', { name: 'e' }],
      ],
      [f32('c/kernel', [1, 1, 3, 3]), f32('e/kernel', [1, 2, 3, 2])],
      { 'c/kernel': swapped },
    );
    expect(weightsOf(reorderUnits(given).artifacts)['e/kernel']).toEqual([
      1, 2, 5, 6, 3, 4, 7, 8, 11, 12, 9, 10,
    ]);
  });

  test('goes down a chain, each layer by the weights that it then has', () => {
    const given = model(
      [dense('a'), dense('b'), dense('c')],
      [f32('a/kernel', [3, 3]), f32('b/kernel', [3, 3]), f32('c/kernel', [3, 1])],
      { 'a/kernel': swapped, 'b/kernel': swapped },
    );
    const { artifacts, reordered } = reorderUnits(given);
    expect(reordered).toEqual(['a', 'b']);
    expect(weightsOf(artifacts)).toEqual({
      'a/kernel': [1, 2, 0, 1, 2, 0, 0, 0, 3],
      'b/kernel': [1, 2, 0, 0, 0, 3, 1, 2, 0],
      'c/kernel': [1, 3, 2],
    });
  });

  test('takes each form of a Sequential topology', () => {
    const given = model([dense('a'), dense('b')], [f32('a/kernel', [3, 3]), f32('b/kernel', [3, 1])], {
      'a/kernel': swapped,
    });
    const inner = (given.modelTopology as { model_config: { config: { layers: unknown[] } } }).model_config;
    for (const modelTopology of [inner, { ...inner, config: inner.config.layers }])
      expect(reorderUnits({ ...given, modelTopology }).reordered).toEqual(['a']);
    const parts = [
      new Float32Array(given.weightData as ArrayBuffer, 0, 5).slice().buffer,
      (given.weightData as ArrayBuffer).slice(20),
    ];
    expect(reorderUnits({ ...given, weightData: parts }).artifacts.weightData).toEqual(
      reorderUnits(given).artifacts.weightData,
    );
    for (const topology of [undefined, {}, { class_name: 'Model' }])
      expect(() => reorderUnits({ ...given, modelTopology: topology as object })).toThrow('only Sequential');
    expect(() => reorderUnits({ ...given, modelTopology: { class_name: 'Sequential' } })).toThrow(
      'has no layers',
    );
  });

  const pair = [f32('a/kernel', [3, 3]), f32('b/kernel', [3, 1])];
  test.each<[string, Layer[], WeightSpec[], string[]]>([
    [
      'channels come first',
      [['Conv2D', { name: 'a', data_format: 'channels_first' }], dense('b')],
      pair,
      ['a: channels come first'],
    ],
    [
      'channels come first later',
      [['Conv2D', { name: 'a' }], ['MaxPooling2D', { name: 'p', data_format: 'channels_first' }], dense('b')],
      pair,
      ['a: channels come first'],
    ],
    [
      'another axis is normalised',
      [dense('a'), ['BatchNormalization', { name: 'n', axis: 1 }], dense('b')],
      pair,
      ['a: n normalises another axis'],
    ],
    [
      'another axis is normalised, as a list',
      [dense('a'), ['BatchNormalization', { name: 'n', axis: [1] }], dense('b')],
      pair,
      ['a: n normalises another axis'],
    ],
    [
      'a layer tells units apart',
      [dense('a'), ['PReLU', { name: 'p' }], dense('b')],
      pair,
      ['a: PReLU (p) may tell units apart'],
    ],
    [
      'a layer has no kernel',
      [dense('a'), dense('b')],
      [f32('a/kernel', [3, 3])],
      ['a: its kernel, or that of the next layer, is not a plain float32 tensor'],
    ],
    [
      'the next kernel has other inputs',
      [dense('a'), dense('b')],
      [f32('a/kernel', [3, 3]), f32('b/kernel', [4, 1])],
      ['a: shapes do not fit'],
    ],
    [
      'a convolution has more inputs',
      [
        ['Conv2D', { name: 'a' }],
        ['Conv2D', { name: 'b' }],
      ],
      [f32('a/kernel', [1, 1, 3, 3]), f32('b/kernel', [1, 1, 6, 1])],
      ['a: shapes do not fit'],
    ],
    [
      'a bias has another length',
      [dense('a'), dense('b')],
      [...pair, f32('a/bias', [4])],
      ['a: shapes do not fit'],
    ],
    [
      'a vector is no float',
      [dense('a'), ['BatchNormalization', { name: 'n' }], dense('b')],
      [...pair, { ...f32('n/beta', [3]), dtype: 'int32' }],
      ['a: n/beta is not float32'],
    ],
  ])('leaves a layer where %s', (_, layers, specs, reasons) => {
    const given = model(layers, specs, { 'a/kernel': swapped });
    const { artifacts, reordered, skipped } = reorderUnits(given);
    expect(reordered).toEqual([]);
    expect(skipped.map(({ layer, reason }) => `${layer}: ${reason}`)).toEqual(reasons);
    expect(artifacts.weightData).toEqual(given.weightData);
  });

  test('leaves the last layer without a word, and what has no units', () => {
    const given = model(
      [['InputLayer', { name: 'i' }], dense('a'), ['Activation', { name: 's' }]],
      [f32('a/kernel', [3, 3])],
      { 'a/kernel': swapped },
    );
    expect(reorderUnits(given)).toMatchObject({ reordered: [], skipped: [] });
  });

  test('takes the axis of a batch normalisation for the last one where it is -1 or not said', () => {
    for (const axis of [undefined, -1, [-1]]) {
      const given = model([dense('a'), ['BatchNormalization', { name: 'n', axis }], dense('b')], pair, {
        'a/kernel': swapped,
      });
      expect(reorderUnits(given).reordered).toEqual(['a']);
    }
  });

  test('takes an axis for the last one where the rank says so', () => {
    const bn = (axis: unknown): Layer => ['BatchNormalization', { name: 'n', axis }];
    const conv: Layer = ['Conv2D', { name: 'a' }];
    const pool: Layer = ['GlobalMaxPooling2D', { name: 'g' }];
    const specs = [f32('a/kernel', [1, 1, 3, 3]), f32('n/gamma', [3]), f32('b/kernel', [3, 1])];
    const run = (layers: Layer[], kernels = specs): string[] =>
      reorderUnits(model(layers, kernels, { 'a/kernel': swapped })).reordered;
    for (const axis of [3, [3], -1]) expect(run([conv, bn(axis), dense('b')])).toEqual(['a']);
    for (const axis of [1, 2, [2], 4, [3, 1], [-1, 1], []])
      expect(run([conv, bn(axis), dense('b')])).toEqual([]);
    expect(run([conv, pool, bn(1), dense('b')])).toEqual(['a']);
    expect(run([conv, pool, bn(3), dense('b')])).toEqual([]);
    expect(run([conv, ['Flatten', { name: 'f' }], bn(1), dense('b')])).toEqual(['a']);
    const flat = [f32('a/kernel', [3, 3]), f32('n/gamma', [3]), f32('b/kernel', [3, 1])];
    const first = (shape: unknown[]): Layer => dense('a', { batch_input_shape: shape });
    expect(run([first([null, 3]), bn(1), dense('b')], flat)).toEqual(['a']);
    expect(run([first([null, 5, 3]), bn(1), dense('b')], flat)).toEqual([]);
    expect(run([first([null, 5, 3]), bn([2]), dense('b')], flat)).toEqual(['a']);
    expect(run([dense('a'), bn(1), dense('b')], flat)).toEqual([]);
  });

  test('knows the bytes of every type; what is not aligned is left alone', () => {
    const types: [Partial<WeightSpec>, number][] = [
      [{ dtype: 'bool' }, 1],
      [{ dtype: 'int32' }, 4],
      [{ dtype: 'complex64' }, 8],
      [{ quantization: { dtype: 'uint8', scale: 1, min: 0 } }, 1],
      [{ quantization: { dtype: 'uint16', scale: 1, min: 0 } }, 2],
      [{ quantization: { dtype: 'float16' } }, 2],
    ];
    for (const [more, bytes] of types) {
      const given = model([dense('a'), dense('b')], pair, { 'a/kernel': swapped });
      const weightSpecs = [{ ...f32('x', [2]), ...more }, ...pair];
      const weightData = [new ArrayBuffer(2 * bytes), given.weightData as ArrayBuffer];
      const { reordered } = reorderUnits({ ...given, weightSpecs, weightData });
      expect(reordered).toEqual((2 * bytes) % 4 === 0 ? ['a'] : []);
      expect(() => reorderUnits({ ...given, weightSpecs, weightData: weightData.slice(1) })).toThrow(
        'ends inside',
      );
      expect(() =>
        reorderUnits({ ...given, weightSpecs, weightData: [...weightData, new ArrayBuffer(1)] }),
      ).toThrow('is longer');
    }
    const text = model([dense('a')], [{ ...f32('t', [1]), dtype: 'string' }]);
    expect(() => reorderUnits(text)).toThrow('text tensors');
  });
});
