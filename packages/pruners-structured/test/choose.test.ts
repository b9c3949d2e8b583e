import type { EspalierError } from '@espalier/core';
import { describe, expect, test } from 'vitest';
import { type Amount, below, choose, countOf, type Ranked } from '../src/structures/choose.js';

function ranked(name: string, scores: readonly number[], gone: readonly number[] = []): Ranked {
  const set = { name, size: scores.length, scored: [], masked: [], group: undefined };
  return {
    set,
    scores: Float64Array.from(scores),
    gone: Uint8Array.from(scores, (_, i) => (gone.includes(i) ? 1 : 0)),
  };
}

const amount = (sparsity: number, more: Partial<Amount> = {}): Amount => ({
  sparsity: () => sparsity,
  scope: 'local',
  floor: undefined,
  multipleOf: 1,
  ...more,
});
const chosen = (sets: readonly Ranked[], how: Amount): number[][] =>
  choose('mine', sets, how).map((pruned) => [...pruned]);
/** The indices of those that go. */
const gone = (sets: readonly Ranked[], how: Amount): number[][] =>
  chosen(sets, how).map((pruned) => [...pruned.keys()].filter((i) => pruned[i] === 1));
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    return (error as EspalierError).code;
  }
  return undefined;
};

describe('how many go', () => {
  test.each([
    // round(s n), halves to even, one stays at least
    [4, 0.5, 1, 2],
    [5, 0.5, 1, 2],
    [7, 0.5, 1, 4],
    [4, 0, 1, 0],
    [4, 1, 1, 3],
    [1, 1, 1, 0],
    [10, 0.95, 1, 9],
    // what stays is the nearest multiple, at least one, no more than there are
    [16, 0.5, 8, 8],
    [16, 0.4, 8, 8],
    [16, 0.2, 8, 0],
    [16, 0.7, 4, 12],
    [16, 0.6, 4, 8],
    [16, 1, 8, 8],
    [20, 0.1, 8, 4],
    [6, 0.5, 8, 0],
    [9, 0.3, 4, 1],
  ])('of %i at %d in multiples of %i: %i', (size, sparsity, multipleOf, expected) => {
    expect(countOf(size, sparsity, multipleOf)).toBe(expected);
  });
});

describe('which ones go', () => {
  test('each set by itself: the lowest, of equals the first', () => {
    expect(gone([ranked('a', [3, 1, 2, 5]), ranked('b', [9, 9, 9, 9, 8])], amount(0.5))).toEqual([
      [1, 2],
      [0, 4],
    ]);
    expect(gone([ranked('a', [-1, -3, 0, -2])], amount(0.5))).toEqual([[1, 3]]);
    expect(gone([ranked('a', [1, 2, 3])], amount(0))).toEqual([[]]);
  });

  test('what is gone stays gone, and counts', () => {
    expect(gone([ranked('a', [1, 2, 9, 8], [2])], amount(0.5))).toEqual([[0, 2]]);
    expect(gone([ranked('a', [1, 2, 9, 8], [2, 3])], amount(0.25))).toEqual([[2, 3]]);
    expect(gone([ranked('a', [1, 2, 9, 8], [2, 3])], amount(0.5))).toEqual([[2, 3]]);
  });

  test('sets have sparsities of their own, and what stays is a multiple', () => {
    const sets = [ranked('a', [1, 2, 3, 4]), ranked('b', [1, 2, 3, 4])];
    expect(gone(sets, amount(0, { sparsity: ({ name }) => (name === 'a' ? 0.25 : 0.75) }))).toEqual([
      [0],
      [0, 1, 2],
    ]);
    expect(gone(sets, amount(0.25, { multipleOf: 2 }))).toEqual([[], []]);
    expect(gone(sets, amount(0.5, { multipleOf: 2 }))).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  test('all sets together: from where scores are low, one at least stays of each', () => {
    const sets = [ranked('a', [1, 2, 3, 4]), ranked('b', [10, 20, 30, 40])];
    const together = (sparsity: number, more: Partial<Amount> = {}) =>
      gone(sets, amount(sparsity, { scope: 'global', ...more }));
    expect(together(0.25)).toEqual([[0, 1], []]);
    expect(together(0.5)).toEqual([[0, 1, 2], [0]]);
    expect(together(1)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(together(0.3125)).toEqual([[0, 1], []]); // 2.5 of 8: 2
    // Floors: so many, or such a part, rounded up, of each.
    expect(together(0.5, { floor: 2 })).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(together(0.5, { floor: 0.3 })).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(together(0.25, { floor: 3 })).toEqual([[0], [0]]);
    expect(together(0.25, { floor: 0.75 })).toEqual([[0], [0]]);
    expect(together(0, { floor: 9 })).toEqual([[], []]);
    expect(codeOf(() => together(0.5, { floor: 3 }))).toBe('invalid-option');
    expect(codeOf(() => together(0.125, { floor: 9 }))).toBe('invalid-option');
    expect(() => together(0.5, { floor: 3 })).toThrow('leaves 4 of 8 structures, but the floors keep 6');
  });

  test('together, too, what is gone stays gone, though others are lower', () => {
    const sets = [ranked('a', [1, 2, 3, 4], [3]), ranked('b', [10, 20, 30, 40], [0])];
    expect(gone(sets, amount(0.25, { scope: 'global' }))).toEqual([[3], [0]]);
    expect(gone(sets, amount(0.5, { scope: 'global' }))).toEqual([[0, 1, 3], [0]]);
    expect(gone(sets, amount(0, { scope: 'global' }))).toEqual([[3], [0]]);
  });

  test('sets that are ranked together have one sparsity', () => {
    const sets = [ranked('a', [1, 2]), ranked('b', [1, 2])];
    const how = amount(0, { scope: 'global', sparsity: ({ name }) => (name === 'a' ? 0.5 : 0.25) });
    expect(codeOf(() => choose('mine', sets, how))).toBe('invalid-option');
    expect(chosen([], amount(0.5, { scope: 'global' }))).toEqual([]);
  });

  test('by a threshold: all up to it, but for the best of each set', () => {
    const at = (threshold: number, ...sets: Ranked[]) => below(sets, threshold).map((pruned) => [...pruned]);
    expect(at(2, ranked('a', [3, 1, 2, 5]), ranked('b', [1, 2, 2]))).toEqual([
      [0, 1, 1, 0],
      [1, 1, 0],
    ]);
    expect(at(0, ranked('a', [3, 1, 2], [0]))).toEqual([[1, 0, 0]]);
    expect(at(9, ranked('a', [3, 1, 2], [0]))).toEqual([[1, 1, 0]]);
  });

  test('scores that are no numbers are told', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const sets = [ranked('a', [1, 2]), ranked('b', [1, bad])];
      for (const scope of ['local', 'global'] as const)
        expect(() => choose('mine', sets, amount(0.5, { scope }))).toThrow('Score 1 of b is');
      expect(() => below(sets, 1)).toThrow('Score 1 of b is');
    }
  });
});
