import { readFileSync } from 'node:fs';
import { roundHalfEven } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { level, random } from '../src/index.js';
import { count, mask, runOf, weights } from './models.js';

type Nested = readonly (number | Nested)[];
interface Row {
  readonly weight: Nested;
  readonly mask: Nested;
  readonly amount: number;
}

/** Results of torch.nn.utils.prune 2.13. */
const golden = JSON.parse(readFileSync(new URL('fixtures/torch-prune.json', import.meta.url), 'utf8')) as {
  l1: Row[];
  ties: Row[];
  random: { weight: Nested; amount: number; kept: number }[];
  twice: Row;
  mixed: Row;
  global: { amount: number; weights: Nested[]; masks: Nested[] }[];
  roundHalfEven: [number, number, number][];
};

const flat = (nested: Nested): number[] => nested.flat(9) as number[];
const row = (nested: Nested): number[][] => [flat(nested)];
/** torch takes a whole number >= 1 as a count; 1.0 stands for all. */
const fraction = (amount: number, n: number): number => (amount > 1 ? amount / n : amount);

describe('torch.nn.utils.prune', () => {
  it('l1_unstructured: the same masks', () => {
    expect(golden.l1.length).toBe(10);
    for (const { weight, mask: expected, amount } of golden.l1) {
      const run = runOf(row(weight));
      run.prune(level({ sparsity: fraction(amount, flat(weight).length), compat: 'torch' }));
      expect(mask(run)).toEqual(flat(expected));
    }
  });

  it('l1_unstructured with ties: the same count and magnitudes', () => {
    const magnitudes = (values: number[]): number[] =>
      values
        .filter((w) => w !== 0)
        .map(Math.abs)
        .sort((a, b) => a - b);
    for (const { weight, mask: expected, amount } of golden.ties) {
      const run = runOf(row(weight));
      const before = weights(run);
      run.prune(level({ sparsity: fraction(amount, flat(weight).length), compat: 'torch' }));
      const kept = flat(expected);
      expect(magnitudes(weights(run))).toEqual(magnitudes(before.map((w, i) => w * kept[i])));
    }
  });

  it('global_unstructured: the same masks, tensors emptied as torch does', () => {
    expect(golden.global.length).toBe(4);
    for (const { amount, weights: given, masks } of golden.global) {
      const run = runOf(...given.map(row));
      const n = given.flatMap(flat).length;
      run.prune(level({ sparsity: fraction(amount, n), scope: 'global', compat: 'torch' }));
      for (const [i, expected] of masks.entries()) expect(mask(run, `fc${i}/kernel`)).toEqual(flat(expected));
    }
  });

  it('pruned twice: the second amount is that of the weights that are left', () => {
    const run = runOf(row(golden.twice.weight));
    for (let i = 0; i < 2; i++) run.prune(level({ sparsity: 0.5, compat: 'torch' }));
    expect(mask(run)).toEqual(flat(golden.twice.mask));
  });

  it('after another pruner: only the weights it left count', () => {
    const run = runOf(row(golden.mixed.weight));
    // Rows 2 and 3 of 5 were pruned first, by their L2 norm.
    const rows = { criterion: () => flat(golden.mixed.weight).map((_, i) => (i >= 14 && i < 28 ? 0 : 1)) };
    run.prune(level({ sparsity: 0.4, ...rows }));
    run.prune(level({ sparsity: 0.5, compat: 'torch' }));
    expect(mask(run)).toEqual(flat(golden.mixed.mask));
  });

  it('random_unstructured: the same count', () => {
    for (const { weight, amount, kept } of golden.random) {
      const run = runOf(row(weight));
      run.prune(random({ sparsity: amount, compat: 'torch' }));
      expect(count(mask(run), 1)).toBe(kept);
    }
  });

  it('rounds halves to even', () => {
    for (const [n, amount, expected] of golden.roundHalfEven)
      expect(roundHalfEven(amount * n)).toBe(expected);
  });
});
