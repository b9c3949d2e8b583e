import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { levelOf, roundPlain, toCodebook, toSteps } from '../src/round/snap.js';

describe('steps', () => {
  test('the nearest multiple, never beyond 16 bits, and no -0', () => {
    expect([0.49, 0.51, -0.51, 1.5, 2.4].map((v) => levelOf(v, 1))).toEqual([0, 1, -1, 2, 2]);
    expect([levelOf(-3, 0.5), levelOf(0.7, 0.2), levelOf(10, 4)]).toEqual([-6, 3, 3]);
    expect([levelOf(1, 1e-6), levelOf(-1, 1e-6)]).toEqual([32767, -32767]);
    const snap = toSteps(Float64Array.of(0.5, 0.25, 3));
    expect([snap(0.6, 0), snap(0.6, 1), snap(-7, 2)]).toEqual([0.5, 0.5, -6]);
    expect(Object.is(snap(-0.1, 0), 0)).toBe(true);
    // What comes out is a float32 as the decoder computes it: the level times the step, rounded once.
    expect(toSteps(Float64Array.of(0.1))(0.31, 0)).toBe(Math.fround(3 * 0.1));
  });

  test('each weight has the step of its place', () => {
    const steps = Float64Array.of(1, 2, 4);
    expect(roundPlain(Float32Array.of(1.4, 1.4, 1.4), toSteps(steps))).toEqual(Float32Array.of(1, 2, 0));
  });
});

test('the entry of a codebook that is nearest', () => {
  const entry = fc.integer({ min: -50, max: 50 }).map((n) => n / 8);
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { minLength: 1, maxLength: 12 }),
      fc.array(entry),
      (entries, values) => {
        const book = Float32Array.from(entries).sort();
        const snap = toCodebook(book);
        for (const value of values) {
          const found = snap(value + 1 / 32, 0);
          expect(book).toContain(found);
          const nearest = Math.min(...book.map((b) => Math.abs(b - value - 1 / 32)));
          expect(Math.abs(found - value - 1 / 32)).toBe(nearest);
        }
      },
    ),
  );
});
