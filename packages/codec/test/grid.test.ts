import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, EspError, encode, type Grid, inspect } from '../src/index.js';

const quarters = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];

/** Elements on a grid, by the formula of docs/format.md. */
function onGrid(shape: number[], { step, exponents }: Grid, level: (i: number) => number): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, (_, i) => {
    let e = 0;
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      e += exponents[axis]?.[rest % shape[axis]] ?? 0;
      rest = Math.floor(rest / shape[axis]);
    }
    return Math.fround(level(i) * (step * quarters[e % 4] * 2 ** Math.floor(e / 4)));
  });
}

const pack = (shape: number[], values: Float32Array, grid: Grid): Uint8Array =>
  encode(
    {
      weightSpecs: [{ name: 'w', shape, dtype: 'float32' }],
      weightData: values.slice().buffer,
    },
    { grids: { w: grid } },
  );

describe('a grid whose step differs along axes', () => {
  test('comes back bit for bit, in every coder, whatever the axes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 28, maxLength: 28 }),
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom('ctx-mix', 'ctx-fast', 'rans'),
        fc.infiniteStream(fc.integer()),
        (shape, pool, top, codec, numbers) => {
          const grid: Grid = {
            step: Math.fround(0.013),
            exponents: shape.map((n, axis) =>
              axis % 3 === 1 ? undefined : pool.slice(axis * 7, axis * 7 + n),
            ),
          };
          const values = onGrid(shape, grid, () => (Number(numbers.next().value) % top) + 0);
          const file = encode(
            { weightSpecs: [{ name: 'w', shape, dtype: 'float32' }], weightData: values.slice().buffer },
            { grids: { w: grid }, codecs: [codec as 'rans'] },
          );
          expect(new Uint8Array(decode(file).weightData)).toEqual(new Uint8Array(values.buffer));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('costs what its levels cost, and a little for the exponents', () => {
    const shape = [3, 3, 16, 32];
    const exponents = shape.map((n, axis) => Array.from({ length: n }, (_, i) => (i * (axis + 3)) % 11));
    const grid: Grid = { step: 0.5, exponents };
    const level = (i: number): number =>
      (Math.imul(Math.imul(i, 0x9e3779b1) ^ (i >> 3), 0x85ebca6b) >>> 28) - 8;
    const file = pack(shape, onGrid(shape, grid, level), grid);
    const plain = pack(
      shape,
      onGrid(shape, { step: 0.5, exponents: [undefined, undefined, undefined, undefined] }, level),
      {
        step: 0.5,
        exponents: [undefined, undefined, undefined, undefined],
      },
    );
    expect(inspect(file).tensors[0].storedBytes).toBe(inspect(plain).tensors[0].storedBytes);
    expect(file.length - plain.length).toBeLessThan(4 + Math.ceil((4 * (3 + 3 + 16 + 32)) / 8) + 4);
  });

  test.each<[string, number[], number[], Grid]>([
    ['does not hold element 1', [2], [1, 0.6], { step: 1, exponents: [[0, 0]] }],
    ['does not hold element 0', [2], [-0, 1], { step: 1, exponents: [[0, 0]] }],
    ['has a step', [2], [1, 2], { step: 0.1, exponents: [[0, 0]] }],
    ['has exponents for 2 axes', [2], [1, 2], { step: 1, exponents: [[0, 0], undefined] }],
    ['has 1 exponents on axis 0', [2], [1, 2], { step: 1, exponents: [[0]] }],
    ['has exponent 128', [2], [1, 2], { step: 1, exponents: [[0, 128]] }],
    ['has exponents up to 121', [2], [1, 0], { step: 1, exponents: [[0, 121]] }],
  ])('is refused where it %s', (message, shape, values, grid) => {
    expect(() => pack(shape, Float32Array.from(values), grid)).toThrow(message);
    expect(() => pack(shape, Float32Array.from(values), grid)).toThrow(EspError);
  });

  test('is refused for a tensor that is not there, or not float32', () => {
    const grid: Grid = { step: 1, exponents: [undefined] };
    const int = {
      weightSpecs: [{ name: 'w', shape: [1], dtype: 'int32' as const }],
      weightData: new Int32Array(1).buffer,
    };
    expect(() => encode(int, { grids: { w: grid } })).toThrow('not float32');
    expect(() => encode(int, { grids: { v: grid } })).toThrow('no such tensor');
  });
});
