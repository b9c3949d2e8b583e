import { describe, expect, it } from 'vitest';
import { lloydCodebook, optimalCodebook } from '../src/index.js';

const lloyd = (values: ArrayLike<number>, k: number, more: object = {}): ReturnType<typeof lloydCodebook> =>
  lloydCodebook(values, k, { init: 'linear', ...more });

describe.each([
  ['optimalCodebook', optimalCodebook],
  ['lloydCodebook', lloyd],
])('%s', (owner, codebook) => {
  const values = [1, 9, 2, 10, 1.5, -3];

  it.each([
    ['a plain list', (list: number[]) => list],
    ['float64', (list: number[]) => Float64Array.from(list)],
    ['float64 in the middle of a buffer', (list: number[]) => Float64Array.of(7, ...list, 7).subarray(1, -1)],
    ['float32 in the middle of a buffer', (list: number[]) => Float32Array.of(7, ...list, 7).subarray(1, -1)],
  ])('takes %s as the numbers they are', (_, make) => {
    const expected = codebook(Float32Array.from(values), 3);
    expect([...expected.centroids]).toEqual([-3, 1.5, 9.5]);
    expect(codebook(make(values), 3)).toEqual(expected);
    const weights = [1, 0.5, 2, 1, 1, 3];
    expect(codebook(make(values), 2, { weights: make(weights), keepZero: true })).toEqual(
      codebook(Float32Array.from(values), 2, { weights: Float32Array.from(weights), keepZero: true }),
    );
  });

  it('takes whole numbers, and rounds others to float32', () => {
    const { centroids, indices } = codebook(Int32Array.of(5, -5, 5), 2);
    expect([[...centroids], [...indices]]).toEqual([
      [-5, 5],
      [1, 0, 1],
    ]);
    expect([...codebook([0.1, 0.1], 1).centroids]).toEqual([Math.fround(0.1)]);
    expect(codebook([0.1, 0.1], 1).inertia).toBe(0);
  });

  it.each([
    ['12', 'String'],
    [new Set([1, 2]), 'Set'],
    [new DataView(new ArrayBuffer(8)), 'DataView'],
    [undefined, 'undefined'],
    [null, 'null'],
    [BigInt64Array.of(1n), 'value 0 is 1 (bigint)'],
    [[1, '2'], 'value 1 is 2 (string)'],
    [[1, undefined], 'value 1 is undefined'],
    [[1, 1e300], 'value 1 is 1e+300'],
    [[1, -1e300], 'value 1 is -1e+300'],
  ])('refuses %s by name', (wrong, said) => {
    const attempt = (): unknown => codebook(wrong as never, 1);
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    expect(attempt).toThrow(owner);
    expect(attempt).toThrow(said);
  });

  it('refuses weights that are no numbers', () => {
    expect(() => codebook([1, 2], 1, { weights: new Set([1, 2]) as never })).toThrow('weights are no list');
    expect(() => codebook([1, 2], 1, { weights: [1, '1'] as never })).toThrow('weight 1 is 1 (string)');
    expect(() => codebook([1, Number.NaN], 1)).toThrow(expect.objectContaining({ code: 'not-finite' }));
  });
});
