import { Run } from '@espalier/core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { agp, level, nm, random } from '../src/index.js';
import { count, mask, moments, normal, normalRun, runOf, weights, write } from './models.js';

describe('nm', () => {
  it('keeps the 2 largest of every 4 inputs of each output', () => {
    const run = normalRun(16, 5);
    const before = weights(run);
    run.prune(nm({ n: 2, m: 4 }));
    const kept = mask(run);
    for (let out = 0; out < 5; out++) {
      for (let group = 0; group < 4; group++) {
        const at = [0, 1, 2, 3].map((i) => (4 * group + i) * 5 + out);
        const order = [...at].sort((i, j) => Math.abs(before[j]) - Math.abs(before[i]));
        expect(at.filter((i) => kept[i] === 1)).toEqual(order.slice(0, 2).sort((i, j) => i - j));
      }
    }
  });

  it('groups along the input channels of a convolution', () => {
    const model = sequential({
      layers: [
        layers.conv2d({ name: 'conv', filters: 3, kernelSize: 2, inputShape: [5, 5, 4], useBias: false }),
      ],
    });
    const run = new Run(model);
    run.prune(nm({ n: 1, m: 4 }));
    const kept = mask(run, 'conv/kernel'); // [2, 2, 4, 3]
    for (let position = 0; position < 4; position++) {
      for (let out = 0; out < 3; out++) {
        const group = [0, 1, 2, 3].map((i) => kept[(position * 4 + i) * 3 + out]);
        expect(count(group, 1)).toBe(1);
      }
    }
  });

  it('treats a last shorter group as padded, along any axis', () => {
    const run = runOf([[1, 2, 3, 4, 5, 6, 7]]);
    run.prune(nm({ n: 2, m: 4, along: 'out' }));
    expect(mask(run)).toEqual([0, 0, 1, 1, 0, 1, 1]);
    const byAxis = runOf([[1, 2, 3, 4, 5]]);
    byAxis.prune(nm({ n: 2, m: 4, along: 1 }));
    expect(mask(byAxis)).toEqual([0, 0, 1, 1, 1]);
  });

  it('breaks ties by index and keeps pruned weights pruned', () => {
    const run = runOf([[1, 1, 1, 1]]);
    run.prune(nm({ n: 2, m: 4, along: 'out' }));
    expect(mask(run)).toEqual([0, 0, 1, 1]);
    write(run.parameter('fc0/kernel'), [9, 9, 0, 1]);
    run.prune(nm({ n: 2, m: 4, along: 'out' }));
    expect(mask(run)).toEqual([0, 0, 1, 1]);
  });

  it('refuses what it cannot honour', () => {
    const run = runOf([[1, 2]]);
    expect(() => nm({ n: 5, m: 4 })).toThrow('n is 5');
    expect(() => nm({ n: 1.5, m: 4 })).toThrow('n is 1.5');
    expect(() => nm({ n: 2, m: 4, along: 'input' as never })).toThrow('along');
    expect(() => run.prune(nm({ n: 2, m: 4, along: 3 }))).toThrow('has no axis 3');
  });
});

describe('block', () => {
  it('prunes whole blocks by their mean magnitude', () => {
    const run = runOf([
      [1, 1, 9, 0],
      [1, 1, 0, 0],
      [2, 2, 5, 5],
      [2, 2, 5, 5],
    ]);
    run.prune(level({ sparsity: 0.5, block: [2, 2] })); // means 1, 2.25, 2, 5
    expect(mask(run)).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
  });

  it('aligns a short block with the last dimensions and cuts it off at the edge', () => {
    const run = runOf([
      [1, 1, 3],
      [2, 2, 1],
    ]);
    run.prune(level({ sparsity: 0.5, block: [2] })); // means 1, 3, 2, 1; the tie goes by index
    expect(mask(run)).toEqual([0, 0, 1, 1, 1, 0]);
    expect(() => run.prune(level({ sparsity: 0.5, block: [1, 1, 2] }))).toThrow('does not fit fc0/kernel');
  });

  it('ranks a block that the edge cuts off by its mean, not by its sum', () => {
    const run = runOf([[2, 2, 3]]);
    run.prune(level({ sparsity: 0.5, block: [2] })); // means 2 and 3, sums 4 and 3
    expect(mask(run)).toEqual([0, 0, 1]);
    const cut = runOf([
      [2, 2, 3],
      [2, 2, 3],
      [9, 9, 1],
    ]); // means 2, 3, 9, 1; sums 8, 6, 18, 1
    cut.prune(level({ sparsity: 0.5, block: [2, 2] }));
    expect(mask(cut)).toEqual([0, 0, 1, 0, 0, 1, 1, 1, 0]);
  });

  it('works with gradual pruning and global ranking', () => {
    const run = runOf(normal(8, 8, 1), normal(8, 16, 2));
    const pruner = agp({ final: 0.75, block: [4, 4], scope: 'global' });
    for (const at of moments(0, 3, 1)) run.prune(pruner, undefined, at);
    const all = [...mask(run), ...mask(run, 'fc1/kernel')];
    expect(count(all, 0)).toBe(9 * 16); // 12 blocks
  });
});

describe('random', () => {
  it('prunes an exact number, uniformly, the same from the same seed', () => {
    const [a, b, c] = [7, 7, 8].map((seed) => {
      const run = normalRun(100, 100);
      run.prune(random({ sparsity: 0.6, seed }));
      return mask(run);
    });
    expect(count(a, 0)).toBe(6000);
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    // Of each quarter about 60 % goes: 1500 ± 4 standard deviations (σ ≈ 21).
    for (let q = 0; q < 4; q++) {
      expect(Math.abs(count(a.slice(q * 2500, (q + 1) * 2500), 0) - 1500)).toBeLessThan(85);
    }
  });

  it('prunes more of the same, and takes the seed of the run', () => {
    const run = normalRun(20, 20);
    run.prune(random({ sparsity: 0.3 }));
    const few = mask(run);
    run.prune(random({ sparsity: 0.6 }));
    expect(mask(run).every((m, i) => m <= few[i])).toBe(true);
    expect(() => random({ sparsity: 0.5, criterion: 'magnitude' } as never)).toThrow("no option 'criterion'");
  });
});
