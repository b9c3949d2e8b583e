import '@tensorflow/tfjs-backend-cpu';
import { type NoiseSession, once } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import {
  bernoulliDrop,
  countMacs,
  randomLevelDrop,
  structuredAgp,
  structuredLevel,
  structuredThreshold,
} from '../src/index.js';
import { chain, graph, mask, on, prune } from './models.js';

type Wrong = readonly (readonly [object, string])[];

/** Of structures, which all have. */
const structures: Wrong = [
  [{ structure: undefined }, 'structure is missing'],
  [{ structure: 'neurons' }, 'structure'],
  [{ refused: 'keep' }, 'refused'],
  [{ tied: 1 }, 'tied is 1'],
  [{ structure: 'rows', tied: false }, 'tied has no meaning'],
  [{ structure: 'rows', refused: 'skip' }, 'refused has no meaning'],
  [{ tied: false, refused: 'skip' }, 'refused has no meaning'],
  [{ structure: 'blocks' }, 'block'],
  [{ structure: 'blocks', block: [] }, 'block'],
  [{ structure: 'blocks', block: [2, 0] }, 'block'],
  [{ structure: 'blocks', block: [0, 2] }, 'block'],
  [{ structure: 'blocks', block: [1.5] }, 'block'],
  [{ block: [1, 2] }, 'block has no meaning'],
  [{ strutcure: 'rows' }, 'strutcure'],
];
const criteria: Wrong = [
  [{ criterion: 'l3' }, 'l3'],
  [{ batches: 3 }, 'batches has no meaning'],
  [{ criterion: 'apoz', batches: 0 }, 'batches is 0'],
  [{ criterion: 'apoz', batches: 1.5 }, 'batches is 1.5'],
  [{ seed: 1 }, 'seed has no meaning'],
  [{ criterion: 'random', seed: 0.5 }, 'seed is 0.5'],
];
const amounts: Wrong = [
  [{ scope: 'all' }, 'scope'],
  [{ floor: 2 }, 'floor'],
  [{ scope: 'global', floor: 0 }, 'floor is 0'],
  [{ scope: 'global', floor: -1 }, 'floor'],
  [{ scope: 'global', floor: 1.5 }, 'floor is 1.5'],
  [{ scope: 'global', multipleOf: 2 }, 'multipleOf'],
  [{ multipleOf: 0 }, 'multipleOf is 0'],
  [{ multipleOf: 1.5 }, 'multipleOf is 1.5'],
];
const drops: Wrong = [
  [{ scale: 1 }, 'scale is 1'],
  [{ every: 0 }, 'every is 0'],
  [{ every: 1.5 }, 'every is 1.5'],
  [{ seed: 0.5 }, 'seed is 0.5'],
];
const fractions = (...names: string[]): Wrong =>
  names.flatMap((name) => [-0.1, 1.1, Number.NaN].map((value) => [{ [name]: value }, name] as const));

describe('options', () => {
  const all: [string, (options: never) => unknown, object, Wrong][] = [
    [
      'structuredLevel',
      structuredLevel,
      { sparsity: 0.5 },
      [...structures, ...criteria, ...amounts, ...fractions('sparsity')],
    ],
    [
      'structuredAgp',
      structuredAgp,
      { final: 0.5 },
      [...structures, ...criteria, ...amounts, ...fractions('final', 'initial'), [{ power: 0 }, 'power']],
    ],
    [
      'structuredThreshold',
      structuredThreshold,
      { threshold: 1 },
      [...structures, ...criteria, [{ threshold: -1 }, 'threshold'], [{ threshold: undefined }, 'threshold']],
    ],
    [
      'bernoulliDrop',
      bernoulliDrop,
      { rate: 0.5 },
      [...structures, ...drops, ...fractions('rate', 'initial'), [{ power: 0 }, 'power']],
    ],
    [
      'randomLevelDrop',
      randomLevelDrop,
      { low: 0.2, high: 0.5 },
      [
        ...structures,
        ...drops,
        ...fractions('low', 'high'),
        [{ high: 0.1 }, 'high'],
        [{ criterion: 'taylor' }, 'criterion is taylor'],
        [{ criterion: 'l3' }, 'l3'],
      ],
    ],
  ];

  it.each(all)('%s refuses what is out of range, and what there is not', (_, make, right, wrong) => {
    const given = { structure: 'filters', ...right };
    expect(() => make(given as never)).not.toThrow();
    for (const [more, said] of wrong) expect(() => make({ ...given, ...more } as never)).toThrow(said);
  });

  it.each([
    { scope: 'global', floor: 1 },
    { scope: 'global', floor: 0.001 },
    { multipleOf: 1 },
    { sparsity: 0 },
    { sparsity: 1 },
    { criterion: 'taylor', batches: 1 },
    { criterion: 'random', seed: 0 },
    { structure: 'blocks', block: [1] },
  ] as const)('%o are taken', (right) => {
    expect(() => structuredLevel({ structure: 'filters', sparsity: 0.5, ...right })).not.toThrow();
  });

  it('at the ends of their ranges are taken', () => {
    for (const end of [0, 1]) {
      expect(() => structuredAgp({ structure: 'units', initial: end, final: end })).not.toThrow();
      expect(() => bernoulliDrop({ structure: 'units', initial: end, rate: end })).not.toThrow();
      expect(() => randomLevelDrop({ structure: 'units', low: end, high: end, every: 1 })).not.toThrow();
    }
    expect(() => structuredThreshold({ structure: 'units', threshold: 0 })).not.toThrow();
  });
});

describe('structuredAgp', () => {
  it('goes from initial to final by the cube of what is left of the way', () => {
    const sizes = (more: object): number[] => {
      const run = chain(
        [Array.from({ length: 100 }, (_, i) => i + 1)],
        Array.from({ length: 100 }, () => [1]),
      );
      const agp = structuredAgp({ structure: 'units', final: 0.8, ...more });
      return [0, 1, 2, 4].map((index) => {
        prune(run, agp, 'fc0/kernel', { ...once(), index, count: 5 });
        return mask(run, 'fc0/kernel').filter((m) => m === 0).length;
      });
    };
    // 0.8 - 0.8 (1 - t)³ at 0, 1/4, 1/2 and 1; from 0.3; and in a line.
    expect(sizes({})).toEqual([0, 46, 70, 80]);
    expect(sizes({ initial: 0.3 })).toEqual([30, 59, 74, 80]);
    expect(sizes({ power: 1 })).toEqual([0, 20, 40, 80]);
  });
});

describe('what is dropped', () => {
  const run = chain([[4, 1, 3, 2, 6, 5]], [[1], [1], [1], [1], [1], [1]]);
  const noise = (plugin: ReturnType<typeof bernoulliDrop>, step: number): number[] => {
    const session = plugin.start(run, run.select('fc0/kernel')) as NoiseSession;
    const drawn = session.noise({ ...once(), step, index: step, count: 11 });
    const [found] = [...drawn.values()].map((tensor) => [...tensor.dataSync()]);
    tf.dispose([...drawn.values()]);
    return found;
  };

  it('are the least important, and what stays makes up for them', () => {
    for (const [share, expected] of [
      [0, [1, 1, 1, 1, 1, 1]],
      [0.5, [2, 0, 0, 0, 2, 2]],
      [1, [0, 0, 0, 0, 6, 0]],
    ] as const) {
      const plugin = randomLevelDrop({ structure: 'units', low: share, high: share });
      expect(noise(plugin, 3).map((f) => Math.round(1e4 * f) / 1e4)).toEqual(expected);
    }
    const bare = randomLevelDrop({ structure: 'units', low: 0.5, high: 0.5, scale: false });
    expect(noise(bare, 3)).toEqual([1, 0, 0, 0, 1, 1]);
  });

  it('depends on the seed, the run’s where none is given', () => {
    const of = (seed?: number) => {
      const plugin = bernoulliDrop({
        structure: 'units',
        rate: 0.5,
        scale: false,
        ...(seed !== undefined && { seed }),
      });
      return Array.from({ length: 20 }, (_, step) => noise(plugin, step).join('')).join();
    };
    expect(of()).toBe(of(run.seed));
    expect(of(7)).not.toBe(of(8));
    expect(of(0)).not.toBe(of(run.seed));
  });
});

describe('countMacs', () => {
  it('counts every time step, and every position of a state that convolves', () => {
    const own = graph([3, 5, 5, 2], (x) => {
      x = on(layers.convLstm2d({ name: 'c', filters: 4, kernelSize: 2, returnSequences: true }), x);
      x = on(layers.convLstm2d({ name: 'd', filters: 1, kernelSize: 2 }), x);
      return on(layers.dense({ name: 'out', units: 6 }), x);
    });
    const { layers: rows } = countMacs(own);
    // 16 positions, then 9; four gates of kernels 2 x 2 over inputs and states.
    expect(rows).toEqual([
      { name: 'c', macs: 3 * 16 * (4 * 2 * 16 + 4 * 4 * 16) },
      { name: 'd', macs: 3 * 9 * (4 * 4 * 4 + 4 * 1 * 4) },
      { name: 'out', macs: 9 * 6 },
    ]);
    const steps = graph([7, 3, 4], (x) =>
      on(layers.timeDistributed({ name: 'each', layer: layers.dense({ name: 'inner', units: 5 }) }), x),
    );
    expect(countMacs(steps).macs).toBe(7 * 3 * 4 * 5);
    expect(() => countMacs(own, { inputShapes: [[1], [2]] })).toThrow('2 input shapes were given');
  });
});
