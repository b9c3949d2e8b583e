import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascending, pruneLowest } from '../src/internal/select.js';

const special = fc.constantFrom(
  0,
  1,
  -1,
  1e-45,
  -1e-45,
  3e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
);
const score = fc.oneof(special, fc.float({ noNaN: true }), fc.integer({ min: -3, max: 3 }));
const arrays = fc.array(fc.array(score, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 });

describe('pruneLowest', () => {
  it('agrees with sorting (score, array, index)', () => {
    fc.assert(
      fc.property(arrays, fc.float({ min: 0, max: 1, noNaN: true }), (given, fraction) => {
        const scores = given.map((values) => Float32Array.from(values, (v) => v + 0));
        const all = scores.flatMap((values, a) => [...values].map((value, i) => ({ value, a, i })));
        const count = Math.round(fraction * all.length);
        // Array.prototype.sort is stable: equal scores stay in the order of array and index.
        const gone = all.sort((x, y) => (x.value === y.value ? 0 : x.value - y.value)).slice(0, count);
        const expected = scores.map((values) => new Float32Array(values.length).fill(1));
        for (const { a, i } of gone) expected[a][i] = 0;
        expect(pruneLowest(scores, count)).toEqual(expected);
      }),
    );
  });

  it('prunes all ties when asked to', () => {
    expect(pruneLowest([Float32Array.of(2, 1, 2, 3, 2)], 2, 'all')).toEqual([Float32Array.of(0, 0, 0, 1, 0)]);
  });
});

describe('ascending', () => {
  it('sorts numbers >= 0, stably', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: 0, noNaN: true })), (given) => {
        const values = Float32Array.from(given, (v) => v + 0);
        const expected = [...values.keys()].sort((i, j) =>
          values[i] === values[j] ? 0 : values[i] - values[j],
        );
        expect([...ascending(values)]).toEqual(expected);
      }),
    );
  });
});
