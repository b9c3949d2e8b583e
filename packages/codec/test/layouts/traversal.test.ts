import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutTraversal, plainTraversal, traversalsFor } from '../../src/layouts/traversal/choices.js';
import { countOf, foldedAxes, groupAxes, offsetsOf, sizeOf } from '../../src/layouts/traversal/geometry.js';

describe('axes', () => {
  test('have sizes and strides; one may be folded in two', () => {
    expect(foldedAxes([4, 5, 6], -1, 0)).toEqual([
      [4, 30],
      [5, 6],
      [6, 1],
    ]);
    expect(foldedAxes([4, 6], 1, 3)).toEqual([
      [4, 6],
      [2, 3],
      [3, 1],
    ]);
    expect(foldedAxes([12, 5], 0, 2)).toEqual([
      [6, 10],
      [2, 5],
      [5, 1],
    ]);
    expect(foldedAxes([], -1, 0)).toEqual([]);
  });

  test.each([0, 1, 5, 12, 24])('of 12 elements are not folded by %d: rule 39', (inner) => {
    expect(() => foldedAxes([12], 0, inner)).toThrow('broken rule 39 ');
  });

  test('an axis is folded by any divisor between 1 and its size', () => {
    for (const inner of [2, 3, 4, 6])
      expect(foldedAxes([12], 0, inner)).toEqual([
        [12 / inner, inner],
        [inner, 1],
      ]);
  });

  test('are put in groups, whose sizes are products', () => {
    const groups = groupAxes([12, 5], { foldAxis: 0, foldInner: 3, groups: [[2], [0], [1]] });
    expect(groups).toEqual([[[5, 1]], [[4, 15]], [[3, 5]]]);
    expect([sizeOf(groups[0]), sizeOf([...groups[1], ...groups[2]]), sizeOf([])]).toEqual([5, 12, 1]);
    expect([countOf([]), countOf([3, 0, 2]), countOf([3, 4])]).toEqual([1, 0, 12]);
  });

  test('offsets are those of all indices, the last axis fastest', () => {
    const axis = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(fc.array(axis, { maxLength: 4 }), (axes) => {
        let wanted = [0];
        for (const [size, stride] of axes)
          wanted = wanted.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * stride));
        expect([...offsetsOf(axes)]).toEqual(wanted);
      }),
      { numRuns: 50 },
    );
    expect([
      ...offsetsOf([
        [0, 1],
        [3, 1],
      ]),
    ]).toEqual([]);
  });
});

describe('the ways to walk', () => {
  const fold = (inner: number, groups: number[][]) => ({ foldAxis: 0, foldInner: inner, groups });
  const plain = (...groups: number[][]) => ({ foldAxis: -1, foldInner: 0, groups });

  test('are an order of axes and where rows and lines end', () => {
    expect(plainTraversal([3, 2, 0, 1], 1, 3)).toEqual(plain([3], [2, 0], [1]));
  });

  test.each([
    ['a short vector', [4096], [plain([], [], [0])]],
    // The divisor nearest below the root, for the rows.
    ['a vector', [5000], [plain([], [], [0]), fold(100, [[0], [], [1]])]],
    ['a vector of two large primes', [67 * 71], [plain([], [], [0]), fold(71, [[0], [], [1]])]],
    ['a square vector', [4900], [plain([], [], [0]), fold(70, [[0], [], [1]])]],
    ['a vector of 17 rows', [17 * 251], [plain([], [], [0]), fold(251, [[0], [], [1]])]],
    ['a vector of 16 rows at most', [16 * 257], [plain([], [], [0])]],
    ['a prime vector', [4099], [plain([], [], [0])]],
    ['a matrix', [10, 30], [plain([1], [], [0]), plain([0], [], [1])]],
    [
      'a matrix whose inputs are a picture',
      [784, 10],
      [fold(28, [[2], [0], [1]]), plain([1], [], [0]), plain([0], [], [1])],
    ],
    [
      'a picture in colours',
      [3072, 10],
      [fold(96, [[2], [0], [1]]), plain([1], [], [0]), plain([0], [], [1])],
    ],
    ['the smallest picture', [16, 2], [fold(4, [[2], [0], [1]]), plain([1], [], [0]), plain([0], [], [1])]],
    [
      'the smallest in colours',
      [48, 2],
      [fold(12, [[2], [0], [1]]), plain([1], [], [0]), plain([0], [], [1])],
    ],
    ['too small a picture', [9, 2], [plain([1], [], [0]), plain([0], [], [1])]],
    ['three axes', [4, 5, 6], [plain([2], [0], [1]), plain([0, 1], [], [2])]],
    ['five axes', [2, 2, 2, 2, 2], [plain([4], [0, 1, 2], [3]), plain([0, 1, 2, 3], [], [4])]],
    [
      'a kernel of a convolution',
      [3, 3, 8, 16],
      [
        plain([3], [2, 0], [1]),
        plain([3, 2], [0], [1]),
        plain([2], [3, 0], [1]),
        plain([3], [0, 1], [2]),
        plain([0, 1], [3], [2]),
        plain([0, 1], [2], [3]),
        plain([0, 1, 2], [], [3]),
      ],
    ],
  ])('of %s, likely ones first', (_, shape, wanted) => {
    expect(traversalsFor(shape)).toEqual(wanted);
  });

  test('leave out what a decoder would not keep: rows above 2^19 with their border, more than 2^20 rows', () => {
    // (1 + 4) * (width + 3) <= 2^19
    expect(traversalsFor([104_854])).toContainEqual(plain([], [], [0]));
    expect(traversalsFor([104_855])).not.toContainEqual(plain([], [], [0]));
    expect(traversalsFor([2 ** 20, 3])).toEqual([plain([0], [], [1])]);
    // (lines + 4) * (width + 3) <= 2^19: 508 lines of 1021.
    expect(traversalsFor([508, 1021, 2])).toEqual([plain([2], [0], [1]), plain([0, 1], [], [2])]);
    expect(traversalsFor([509, 1021, 2])).toEqual([plain([0, 1], [], [2])]);
  });

  const cut = (foldAxis: number, foldInner: number, ...groups: number[][]) => ({
    foldAxis,
    foldInner,
    groups,
  });

  test.each([
    // 1,048,577 = 17 · 61,681: rows of 17 lines, each the three elements of an index.
    [[2 ** 20 + 1, 3], cut(0, 17, [0], [1], [2])],
    [[2 ** 21, 8], cut(0, 2 ** 10, [0], [1], [2])],
    [[8, 2 ** 21], cut(1, 2 ** 10, [0, 1], [], [2])],
    [[1500, 1500, 4], cut(0, 30, [0], [1], [2, 3])],
    [[2, 1500, 1500, 1, 1], cut(1, 30, [0, 1], [2], [3, 4, 5])],
    // No divisor above 16 but one: 2 · 1,000,003.
    [[2_000_006], cut(0, 2, [0], [], [1])],
  ])('%j, of which no plain way fits, is cut along its longest axis', (shape, way) => {
    expect(traversalsFor(shape)).toEqual([way]);
    expect(cutTraversal(shape)).toEqual(way);
    // As they lie.
    const [rows, lines, width] = groupAxes(shape, way).map(offsetsOf);
    expect([rows[1] - rows[0], lines[0], width[1] - width[0]]).toEqual([lines.length * width.length, 0, 1]);
  });

  test('are none where a prime is too large for both', () => {
    expect(traversalsFor([1_048_583])).toEqual([]);
    expect(traversalsFor([1_048_583, 2])).toEqual([]);
  });
});
