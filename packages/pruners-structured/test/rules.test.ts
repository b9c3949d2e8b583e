import '@tensorflow/tfjs-backend-cpu';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import type { Flow } from '../src/graph/flow.js';
import { follow } from '../src/graph/follow.js';
import type { Inside } from '../src/graph/inside.js';
import type { Matrix } from '../src/graph/matrix.js';
import { mergers, mergeTwo } from '../src/graph/rules/merge.js';
import { reshapers } from '../src/graph/rules/shape.js';
import { type Rule, Trace } from '../src/graph/trace.js';
import { graph, on } from './models.js';

const { NaN: none } = Number;
const built = (): LayersModel =>
  sequential({ layers: [layers.dense({ name: 'a', units: 2, inputShape: [2] })] });
const trace = (): Trace => new Trace(built());

/** Channels of their own, with these constants. */
const flow = (of: Trace, constants: readonly number[], ...positions: number[]): Flow => ({
  shape: [...positions, constants.length],
  atoms: of.atoms.fresh(constants.length),
  constants: Float64Array.from(constants),
});
const through = (
  rule: Rule,
  of: Trace,
  inputs: readonly Flow[],
  own: object = {},
  shape: readonly number[] = [],
): Flow => {
  const layer = { getClassName: () => 'Layer', ...own } as unknown as Inside;
  return rule({ layer, path: ['m'], outputShapes: [shape] }, inputs, of)[0];
};
const classes = (of: Trace, { atoms }: Flow): number[] => [...of.atoms.classes(atoms)];

describe('what merges channel by channel', () => {
  it.each([
    ['Add', [5, none, 0, 7]],
    ['Average', [2.5, none, 0, 3.5]],
    ['Multiply', [6, 0, 0, 10]],
    ['Maximum', [3, none, 0, 5]],
    ['Minimum', [2, none, 0, 2]],
  ])('%s ties what meets, and knows the constants', (name, expected) => {
    const of = trace();
    const inputs = [flow(of, [2, none, 0, 5]), flow(of, [3, 0, 0, 2])];
    const found = through(mergers[name], of, inputs, {}, [4]);
    expect([...found.constants]).toEqual(expected);
    expect(found.shape).toEqual([4]);
    for (const one of [found, ...inputs]) expect(classes(of, one)).toEqual([...inputs[0].atoms]);
  });

  it('keeps a channel that goes over all others', () => {
    const of = trace();
    const inputs = [flow(of, [10]), flow(of, [1, 2, none])];
    const found = through(mergers.Add, of, inputs, {}, [3]);
    expect(classes(of, found)).toEqual([...inputs[1].atoms]);
    expect([...found.constants]).toEqual([11, 12, none]);
    expect(of.atoms.reason(inputs[0].atoms[0])).toBe('m spreads it over all channels');
    expect(of.atoms.reason(inputs[1].atoms[0])).toBeUndefined();
  });
});

describe('a concatenation', () => {
  it.each([undefined, -1, 2])('of channels has all of them (axis %s)', (axis) => {
    const of = trace();
    const inputs = [flow(of, [1, none], 5), flow(of, [3], 5)];
    const found = through(mergers.Concatenate, of, inputs, axis === undefined ? {} : { axis }, [5, 3]);
    expect([...found.atoms]).toEqual([...inputs[0].atoms, ...inputs[1].atoms]);
    expect([...found.constants]).toEqual([1, none, 3]);
  });

  it.each([1, -2])('of positions ties the channels, constants where they agree (axis %i)', (axis) => {
    const of = trace();
    const inputs = [flow(of, [1, 2, 0], 5), flow(of, [1, 3, none], 4)];
    const found = through(mergers.Concatenate, of, inputs, { axis }, [9, 3]);
    expect(classes(of, found)).toEqual([...inputs[0].atoms]);
    expect(classes(of, inputs[1])).toEqual([...inputs[0].atoms]);
    expect([...found.constants]).toEqual([1, none, none]);
  });

  it('of positions with other channels is not followed', () => {
    const of = trace();
    const inputs = [flow(of, [1, 2], 5), flow(of, [1], 4), flow(of, [1, 2], 4)];
    const found = through(mergers.Concatenate, of, inputs, { axis: 1 }, [9, 2]);
    for (const { atoms } of [found, ...inputs])
      for (const atom of atoms) expect(of.atoms.reason(atom)).toMatch(/different numbers of channels/);
  });
});

it('both directions are joined as they are told', () => {
  const of = trace();
  const [forward, backward] = [flow(of, [2, none, 0]), flow(of, [4, 0, none])];
  const joined = (mode: 'concat' | 'sum' | 'mul' | 'ave'): number[] => [
    ...mergeTwo(mode, forward, backward).constants,
  ];
  expect(joined('sum')).toEqual([6, none, none]);
  expect(joined('mul')).toEqual([8, 0, 0]);
  expect(joined('ave')).toEqual([3, none, none]);
  expect(joined('concat')).toEqual([2, none, 0, 4, 0, none]);
  expect([...mergeTwo('concat', forward, backward).atoms]).toEqual([...forward.atoms, ...backward.atoms]);
  expect([...mergeTwo('ave', forward, backward).atoms]).toEqual([...forward.atoms]);
});

describe('a reshape', () => {
  const { Reshape, Flatten, Permute } = reshapers;

  it('into more channels has each of them at several places', () => {
    const of = trace();
    const input = flow(of, [1, none], 3);
    const found = through(Flatten, of, [input], {}, [6]);
    const [a, b] = input.atoms;
    expect([...found.atoms]).toEqual([a, b, a, b, a, b]);
    expect([...found.constants]).toEqual([1, none, 1, none, 1, none]);
    expect(of.sizes.size).toBe(0);
    expect([...through(Flatten, of, [input], {}, [2]).atoms]).toEqual([a, b]);
  });

  it('into fewer channels makes some of them one', () => {
    const of = trace();
    const input = flow(of, [1, 2, 5, none, 1, 3, 5, none]);
    const found = through(Reshape, of, [input], {}, [2, 4]);
    const [a, b, c, d] = input.atoms;
    expect([...found.atoms]).toEqual([a, b, c, d]);
    expect(classes(of, input)).toEqual([a, b, c, d, a, b, c, d]);
    // The second is 2 at one place and 3 at another.
    expect([...found.constants]).toEqual([1, none, 5, none]);
    expect([...of.sizes.values()]).toEqual([{ path: ['m'], key: 'target_shape', atoms: found.atoms }]);
  });

  it('that mixes channels, or whose channels are not known, is not followed', () => {
    for (const shape of [
      [2, 4],
      [3, null],
    ]) {
      const of = trace();
      const input = flow(of, [1, 2, 3, 4, 5, 6]);
      const found = through(Reshape, of, [input], {}, shape as number[]);
      expect(of.atoms.reason(input.atoms[5])).toMatch(/channels cannot be followed/);
      expect(found.constants.every(Number.isNaN)).toBe(true);
      expect(found.atoms).toHaveLength(shape[1] ?? 0);
    }
  });

  it('that permutes other axes leaves the channels', () => {
    const of = trace();
    const input = flow(of, [1, none], 3, 4);
    const found = through(Permute, of, [input], { dims: [2, 1, 3] }, [4, 3, 2]);
    expect(found).toEqual({ ...input, shape: [4, 3, 2] });
    through(Permute, of, [input], { dims: [1, 3, 2] }, [3, 2, 4]);
    expect(of.atoms.reason(input.atoms[0])).toMatch(/to another axis/);
  });
});

describe('a trace', () => {
  it('ties what several calls of a layer say of one size, or keeps it where they do not agree', () => {
    const of = trace();
    const [a, b, c] = [2, 2, 3].map((n) => of.atoms.fresh(n));
    of.size(['x', 'y'], 'units', a);
    of.size(['x', 'y'], 'units', b);
    of.size(['x'], 'units', c);
    expect(of.atoms.classes(b)).toEqual(a);
    expect(of.sizes.size).toBe(2);
    of.size(['x', 'y'], 'units', c);
    for (const atom of [a[0], b[1], c[2]])
      expect(of.atoms.reason(atom)).toBe('x/y is called with 2 and with 3 channels');
  });

  it('knows a constant of a layer that is called twice where both calls agree', () => {
    const of = trace();
    const [kernel] = of.parameters;
    const read = (constants: readonly number[]) => ({
      path: ['a'],
      matrix: {} as Matrix,
      inputs: of.atoms.fresh(4),
      outputs: of.atoms.fresh(2),
      constants: Float64Array.from(constants),
      foldable: true,
      bias: undefined,
    });
    of.read(kernel, read([1, 2, none, none]));
    of.read(kernel, read([1, 3, 4, none]));
    expect([...of.reads.keys()]).toEqual(['a/kernel']);
    expect([...of.reads.get('a/kernel')!.constants]).toEqual([1, none, none, none]);
    expect(of.reads.get('a/kernel')!.biasName).toBe('a/bias');
  });

  it('has the channels that a weight makes once, and misses a weight that has to be there', () => {
    const of = trace();
    const [kernel] = of.parameters;
    const site = { layer: built().layers[0] as unknown as Inside, path: ['a'], outputShapes: [] };
    expect(() => of.needed(site, 'alpha')).toThrow("a has no weight 'alpha'");
    const first = of.produced(kernel, 1, 2);
    of.bind(kernel, 1, 'produces', first);
    expect(of.produced(kernel, 1, 2)).toEqual(first);
    const again = of.atoms.fresh(2);
    of.bind(kernel, 1, 'produces', again);
    expect(of.atoms.classes(again)).toEqual(first);
    const { shape, atoms, constants } = of.closed([5, 3], 'so it is');
    expect([shape, atoms.length, [...constants]]).toEqual([[5, 3], 3, [none, none, none]]);
    expect(of.atoms.reason(atoms[2])).toBe('so it is');
  });
});

describe('layers around layers', () => {
  it('a layer at each time step gives as many steps as it is given', () => {
    const inner = layers.conv1d({ filters: 4, kernelSize: 2 });
    const model = graph([3, 5, 2], (x) =>
      on(
        layers.dense({ name: 'out', units: 1 }),
        on(layers.timeDistributed({ name: 'each', layer: inner }), x),
      ),
    );
    const of = follow(model);
    expect(of.outputs.get('each')).toMatchObject({ shape: [3, 4, 4] });
    expect(of.outputs.get('each')!.atoms).toHaveLength(4);
    expect(of.outputs.get('out')!.atoms).toHaveLength(1);
  });

  it.each([
    ['concat', 6],
    ['sum', 3],
    [null, 3],
  ] as const)('a layer in both directions has states that are its units (%s)', (mergeMode, width) => {
    const inner = layers.lstm({ units: 3, returnState: true, recurrentInitializer: 'zeros' });
    const model = graph([4, 2], (x) => {
      const wrapper = layers.bidirectional({
        name: 'both',
        layer: inner as never,
        mergeMode: mergeMode as never,
      });
      const outputs = wrapper.apply(x) as unknown as ReturnType<typeof on>[];
      return outputs.map((y, i) => on(layers.dense({ name: `out${i}`, units: 1 }), y));
    });
    const of = follow(model);
    const units = of.outputs.get('both')!.atoms;
    expect(units).toHaveLength(width);
    // Unit u of one direction is unit u of the other, in every state.
    const roots = [...of.atoms.classes(units)].slice(0, 3);
    expect(new Set(of.atoms.classes(units)).size).toBe(3);
    const read = [...of.slots.values()].filter(
      ({ part, parameter }) => part === 'reads' && parameter.name.startsWith('out'),
    );
    expect(read.length).toBeGreaterThan(2);
    for (const { atoms } of read) expect(new Set(of.atoms.classes(atoms))).toEqual(new Set(roots));
  });

  it('a model inside is a layer of its own names', () => {
    const inner = sequential({
      name: 'inner',
      layers: [layers.dense({ name: 'a', units: 2, inputShape: [3] })],
    });
    const model = graph([3], (x) => on(layers.dense({ name: 'b', units: 1 }), on(inner, x)));
    const of = follow(model);
    expect([...of.outputs.keys()]).toEqual(expect.arrayContaining(['inner', 'b']));
    expect(of.outputs.has('a')).toBe(false);
    expect(of.outputs.get('inner')!.atoms).toEqual(of.slots.get('inner/a/kernel:1')!.atoms);
  });
});
