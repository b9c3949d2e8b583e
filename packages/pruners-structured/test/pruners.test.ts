import { once, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import {
  type StructuredLevelOptions,
  structuredAgp,
  structuredLevel,
  structuredThreshold,
} from '../src/index.js';
import { chain, graph, mask, on, prune, weights, write } from './models.js';

const level = (
  options: Partial<StructuredLevelOptions> & { structure: StructuredLevelOptions['structure'] },
) => structuredLevel({ sparsity: 0.5, ...options });

describe('structures', () => {
  const m = [
    [1, -8, 2, 3],
    [4, 0, -1, 1],
  ];
  const n = [[1], [1], [1], [1]];

  test('units take along what reads them', () => {
    const run = chain(m, n); // mean |w| of units: 2.5 4 1.5 2
    prune(run, level({ structure: 'units' }), 'fc0/kernel');
    expect(weights(run, 'fc0/kernel')).toEqual([1, -8, 0, 0, 4, 0, 0, 0]);
    expect(weights(run, 'fc1/kernel')).toEqual([1, 1, 0, 0]);
  });

  test('channels are ranked by what reads them', () => {
    const run = chain(m, [[3], [-1], [2], [0.5]]);
    prune(run, level({ structure: 'channels' }), 'fc1/kernel');
    expect(weights(run, 'fc1/kernel')).toEqual([3, 0, 2, 0]);
    expect(weights(run, 'fc0/kernel')).toEqual([1, 0, 2, 0, 4, 0, -1, 0]);
  });

  test('tied: false masks the named weights alone', () => {
    const run = chain(m, n);
    prune(run, level({ structure: 'units', tied: false }), 'fc0/kernel');
    expect(weights(run, 'fc0/kernel')).toEqual([1, -8, 0, 0, 4, 0, 0, 0]);
    expect(weights(run, 'fc1/kernel')).toEqual([1, 1, 1, 1]);
  });

  test('rows and columns of a matrix', () => {
    const run = chain(m, n);
    prune(run, level({ structure: 'rows' }), 'fc0/kernel');
    expect(weights(run, 'fc0/kernel')).toEqual([1, -8, 2, 3, 0, 0, 0, 0]);
    const other = chain(m, n);
    prune(other, level({ structure: 'columns' }), 'fc0/kernel');
    expect(weights(other, 'fc0/kernel')).toEqual([1, -8, 0, 0, 4, 0, 0, 0]);
  });

  test('blocks, cut off at the edge', () => {
    const run = chain(
      [
        [1, 2, 9],
        [1, 2, 0],
        [5, 5, 1],
      ],
      [[1], [1], [1]],
    );
    prune(run, level({ structure: 'blocks', block: [2, 2] }), 'fc0/kernel');
    // Means: [1 2; 1 2] 1.5, [9; 0] 4.5, [5 5] 5, [1] 1.
    expect(weights(run, 'fc0/kernel')).toEqual([0, 0, 9, 0, 0, 0, 5, 5, 0]);
  });

  test('kernels of a convolution: one input, one output', () => {
    const run = new Run(
      graph([2, 1, 2], (x) =>
        on(layers.conv2d({ name: 'c', filters: 2, kernelSize: [2, 1], useBias: false }), x),
      ),
    );
    write(run.parameter('c/kernel'), [1, 5, 2, 0.5, 1, 1, 2, 0.5]);
    prune(run, level({ structure: 'kernels' }), 'c/kernel');
    expect(weights(run, 'c/kernel')).toEqual([0, 5, 2, 0, 0, 1, 2, 0]);
  });

  test('a group takes batch-norm scale and offset along, statistics stay', () => {
    const run = new Run(
      graph([4, 4, 1], (x) => {
        x = on(layers.conv2d({ name: 'c', filters: 2, kernelSize: 3 }), x);
        x = on(layers.batchNormalization({ name: 'bn' }), x);
        return on(layers.dense({ name: 'fc', units: 1 }), on(layers.flatten(), x));
      }),
    );
    write(
      run.parameter('c/kernel'),
      Array.from({ length: 18 }, (_, i) => (i % 2 === 0 ? 1 : 2)),
    );
    prune(run, level({ structure: 'filters' }), 'c/kernel');
    for (const name of ['c/bias', 'bn/gamma', 'bn/beta'])
      expect([name, mask(run, name)]).toEqual([name, [0, 1]]);
    expect(mask(run, 'fc/kernel')).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(mask(run, 'bn/moving_mean')).toEqual([1, 1]);
  });
});

describe('numbers', () => {
  const ten = chain.bind(
    null,
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    Array.from({ length: 10 }, () => [1]),
  );
  const left = (run: Run): number => mask(run, 'fc1/kernel').reduce((a, b) => a + b, 0);

  test.each([
    [0, 10],
    [0.25, 8], // 2.5 rounds to the even 2
    [0.35, 6], // 3.5 to 4
    [0.96, 1],
    [1, 1],
  ])('sparsity %d leaves %d of 10', (sparsity, n) => {
    const run = ten();
    prune(run, level({ structure: 'units', sparsity }), 'fc0/kernel');
    expect(left(run)).toBe(n);
  });

  test('ties go by index, the lower one first', () => {
    const run = chain([[1, 1, 1, 1]], [[1], [1], [1], [1]]);
    prune(run, level({ structure: 'units' }), 'fc0/kernel');
    expect(mask(run, 'fc1/kernel')).toEqual([0, 0, 1, 1]);
  });

  test('multipleOf rounds what stays', () => {
    const run = ten();
    prune(run, level({ structure: 'units', sparsity: 0.3, multipleOf: 4 }), 'fc0/kernel');
    expect(left(run)).toBe(8);
  });

  test('what is pruned stays pruned, whatever the scores become', () => {
    const run = ten();
    const pruner = structuredAgp({ structure: 'units', final: 0.8 });
    const counts: number[] = [];
    for (let index = 0; index < 4; index++) {
      run.prune(pruner, 'fc0/kernel', { ...once(), index, count: 4 });
      counts.push(left(run));
    }
    expect(counts).toEqual([10, 4, 2, 2]); // 0.8 (1 - (1 - t)³): 0, 0.563, 0.770, 0.8
    const other = structuredLevel({ structure: 'units', sparsity: 0.1 });
    prune(run, other, 'fc0/kernel');
    expect(left(run)).toBe(2);
  });

  test('global ranking takes from where the scores are low, and leaves one', () => {
    const run = chain(
      [[1, 2, 3]],
      [
        [10, 20, 30, 40],
        [10, 20, 30, 40],
        [10, 20, 30, 40],
      ],
      [[1], [1], [1], [1]],
    );
    const of = ['fc0/kernel', 'fc1/kernel'];
    prune(run, level({ structure: 'units', sparsity: 4 / 7, scope: 'global' }), of);
    expect(mask(run, 'fc1/kernel')).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(() =>
      prune(run, level({ structure: 'units', sparsity: 0.9, scope: 'global', floor: 2 }), of),
    ).toThrow('floors keep 4');
  });

  test('a map gives each group its own sparsity', () => {
    const run = chain(
      [[1, 2, 3, 4]],
      Array.from({ length: 4 }, () => [1, 2, 3, 4]),
      [[1], [1], [1], [1]],
    );
    const of = ['fc0/kernel', 'fc1/kernel'];
    prune(run, structuredLevel({ structure: 'units', sparsity: { 'fc0/kernel': 0.25, '**': 0.75 } }), of);
    expect(mask(run, 'fc2/kernel')).toEqual([0, 0, 0, 1]);
    expect(mask(run, 'fc1/kernel').slice(3, 16)).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  test('threshold: all up to it, but never all', () => {
    const run = ten();
    prune(run, structuredThreshold({ structure: 'units', threshold: 4 }), 'fc0/kernel');
    expect(left(run)).toBe(6);
    prune(run, structuredThreshold({ structure: 'units', threshold: 100 }), 'fc0/kernel');
    expect(left(run)).toBe(1);
  });

  test('no tensor is left behind', () => {
    const run = ten();
    const pruner = level({ structure: 'units' });
    prune(run, pruner, 'fc0/kernel');
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) run.prune(pruner, 'fc0/kernel');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('criteria', () => {
  const scored = (
    criterion: StructuredLevelOptions['criterion'],
    matrix: number[][],
    sparsity = 0.5,
  ): number[] => {
    const run = chain(
      matrix,
      matrix[0].map(() => [1]),
    );
    prune(run, structuredLevel({ structure: 'units', sparsity, criterion: criterion! }), 'fc0/kernel');
    return mask(run, 'fc1/kernel');
  };

  test('l1, l2 and max differ where they should', () => {
    const m = [
      [2, 3],
      [2, 0.5],
    ];
    expect(scored('l1', m)).toEqual([1, 0]); // 2 > 1.75
    expect(scored('l2', m)).toEqual([0, 1]); // 2 < 2.15
    expect(scored('max', m)).toEqual([0, 1]);
  });

  test('the geometric median takes the ones in the middle', () => {
    expect(scored('geometric-median', [[0, 10, 4, -20, 11]], 0.2)).toEqual([1, 1, 0, 1, 1]);
  });

  test('random depends on the seed alone', () => {
    const draw = (seed: number): string => {
      const run = chain(
        [Array.from({ length: 40 }, () => 1)],
        Array.from({ length: 40 }, () => [1]),
      );
      prune(
        run,
        structuredLevel({ structure: 'units', sparsity: 0.5, criterion: 'random', seed }),
        'fc0/kernel',
      );
      return mask(run, 'fc1/kernel').join('');
    };
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
    expect(draw(1).match(/1/g)).toHaveLength(20);
  });

  test('scores of one’s own, as numbers or a tensor', () => {
    expect(scored(() => [3, 1, 2, 0], [[1, 1, 1, 1]])).toEqual([1, 0, 1, 0]);
    expect(scored(({ size }) => tf.range(0, size), [[1, 1, 1, 1]])).toEqual([0, 0, 1, 1]);
    expect(() => scored(() => [1], [[1, 1]])).toThrow('1 scores were given for the 2 structures of fc0');
    expect(() => scored(() => [Number.NaN, 1], [[1, 1]])).toThrow('Score 0 of fc0 is NaN');
  });

  test('batch-norm scales', () => {
    const run = new Run(
      graph([2], (x) => {
        x = on(layers.dense({ name: 'a', units: 3 }), x);
        return on(layers.dense({ name: 'b', units: 1 }), on(layers.batchNormalization({ name: 'bn' }), x));
      }),
    );
    write(run.parameter('bn/gamma'), [0.5, -2, 0.1]);
    prune(run, level({ structure: 'units', sparsity: 1 / 3, criterion: 'batch-norm-scale' }), 'a/kernel');
    expect(mask(run, 'b/kernel')).toEqual([1, 1, 0]);
    const without = chain([[1, 2]], [[1], [1]]);
    expect(() =>
      prune(without, level({ structure: 'units', criterion: 'batch-norm-scale' }), 'fc0/kernel'),
    ).toThrow('fc0 passes no batch normalisation');
  });
});

describe('refusals', () => {
  test('the model’s outputs, unless they are skipped', () => {
    const run = chain(
      [[1, 2]],
      [
        [1, 2],
        [3, 4],
      ],
    );
    const all = '**/kernel';
    expect(() => prune(run, level({ structure: 'units' }), all)).toThrow(
      "structuredLevel cannot prune the filters of fc1/kernel: they are the model's outputs",
    );
    prune(run, level({ structure: 'units', refused: 'skip' }), all);
    expect(mask(run, 'fc1/kernel')).toEqual([0, 0, 1, 1]);
    expect(() => prune(run, level({ structure: 'units', refused: 'skip' }), 'fc1/kernel')).toThrow(
      'cannot prune',
    );
  });

  test('what is tied to a frozen layer', () => {
    const run = new Run(
      graph([2], (x) => {
        x = on(layers.dense({ name: 'a', units: 3 }), x);
        return on(layers.dense({ name: 'b', units: 1, trainable: false }), x);
      }),
    );
    expect(() => prune(run, level({ structure: 'units' }), 'a/kernel')).toThrow(
      'b/kernel, which is tied to it, is frozen',
    );
  });

  test.each([
    [{ structure: 'filter' }, "Did you mean 'filters'?"],
    [{ structure: 'units', criterion: 'l3' }, "Did you mean 'l1'?"],
    [{ structure: 'units', sparsty: 1 }, "Did you mean 'sparsity'?"],
    [{ structure: 'units', sparsity: 1.5 }, 'sparsity is 1.5'],
    [{ structure: 'rows', tied: true }, 'tied has no meaning for rows'],
    [{ structure: 'blocks' }, 'block is undefined'],
    [{ structure: 'units', batches: 3 }, 'batches has no meaning'],
    [{ structure: 'units', seed: 3 }, 'seed has no meaning'],
    [{ structure: 'units', floor: 3 }, "floor has no meaning with scope 'local'"],
    [{ structure: 'units', floor: 0, scope: 'global' }, 'floor is 0'],
    [{ structure: 'units', scope: 'group' }, 'local, global'],
    [{}, 'structure is missing'],
  ])('%o', (options, message) => {
    expect(() => structuredLevel({ sparsity: 0.5, ...options } as never)).toThrow(message);
  });
});
