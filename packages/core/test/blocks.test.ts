import { describe, expect, it } from 'vitest';
import { blocksOf, checkBlock, type Parameter } from '../src/index.js';

const parameter = (...shape: number[]): Parameter =>
  ({ name: 'fc/kernel', shape, size: shape.reduce((a, b) => a * b, 1) }) as unknown as Parameter;

describe('blocksOf', () => {
  it('numbers blocks row by row, cut off at the edges', () => {
    const { block, grid, count, of } = blocksOf('mine', parameter(3, 5), [2, 2]);
    expect({ block, grid, count }).toEqual({ block: [2, 2], grid: [2, 3], count: 6 });
    expect([...of]).toEqual([0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5]);
  });

  it('takes sizes for the last dimensions', () => {
    const { block, grid, of } = blocksOf('mine', parameter(2, 2, 3), [3]);
    expect({ block, grid }).toEqual({ block: [1, 1, 3], grid: [2, 2, 1] });
    expect([...of]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  it.each([
    [[], 'block is []'],
    [[0], 'block is [0]'],
    [[1.5], 'block is [1.5]'],
    [4, 'block is 4'],
    [undefined, 'block is undefined'],
    [[1, 2, 2], 'a block [1,2,2] does not fit fc/kernel of shape [2,3]'],
  ])('refuses %j', (block, message) => {
    expect(() => checkBlock('mine', block, parameter(2, 3))).toThrow(`mine: ${message}`);
  });
});
