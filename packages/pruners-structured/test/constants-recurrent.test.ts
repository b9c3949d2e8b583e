import type { Run } from '@espalier/core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { thinModel } from '../src/index.js';
import { dense, unitsLeft, withConstant } from './constants.js';
import { graph, normal, on, type T, write } from './models.js';
import { difference } from './random-model.js';

describe('a recurrent unit that nothing goes into stays at 0 and goes', () => {
  const recurrent: [string, (more: object) => layers.Layer, number][] = [
    ['simple', (more) => layers.simpleRNN({ name: 'a', units: 3, ...more } as never), 0],
    ['GRU', (more) => layers.gru({ name: 'a', units: 3, ...more } as never), 2],
    ['LSTM', (more) => layers.lstm({ name: 'a', units: 3, ...more } as never), 2],
  ];

  /** Takes from the candidate gate of unit 1 all that goes into it. */
  function rest(
    built: LayersModel,
    gate: number,
    of: string | readonly string[] = 'a',
    keep?: (name: string, row: number) => boolean,
  ): Run {
    const run = withConstant(built, 0, []);
    for (const p of run.parameters.filter(({ name }) =>
      [of].flat().some((own) => name.startsWith(`${own}/`)),
    )) {
      const width = p.shape[p.shape.length - 1];
      write(
        p,
        Array.from(p.variable.dataSync(), (w, i) =>
          i % width === 3 * gate + 1 && !keep?.(p.name, Math.floor(i / width)) ? 0 : w,
        ),
      );
    }
    return run;
  }

  test.each(recurrent)('%s', async (_, make, gate) => {
    const built = graph([4, 2], (x) => on(dense('out', 2), on(make({}), x)));
    expect(await unitsLeft(rest(built, gate), [4, 2])).toBe(2);
    // What remains of its input, of its bias, or of another unit's state: no rest.
    for (const part of ['a/kernel', 'a/bias', 'a/recurrent_kernel']) {
      const disturbed = rest(built, gate, 'a', (name, row) => name === part && row === 0);
      expect([part, await unitsLeft(disturbed, [4, 2])]).toEqual([part, 3]);
    }
    const bare = graph([4, 2], (x) => on(dense('out', 2), on(make({ useBias: false }), x)));
    expect(await unitsLeft(rest(bare, gate), [4, 2])).toBe(2);
    // Its own state is 0, and another gate's bias multiplies nothing.
    const own = rest(built, gate, 'a', (name, row) => name === 'a/recurrent_kernel' && row === 1);
    expect(await unitsLeft(own, [4, 2])).toBe(2);
  });

  test('not with an activation that makes something of 0, nor where it remembers', async () => {
    const built = graph([4, 2], (x) =>
      on(dense('out', 2), on(layers.gru({ name: 'a', units: 3, activation: 'sigmoid' }), x)),
    );
    expect(await unitsLeft(rest(built, 2), [4, 2])).toBe(3);
  });

  test('given another start it has to come from units at 0', async () => {
    const [x, y] = [input({ shape: [3, 2] }), input({ shape: [4, 2] })];
    // Its output and its state are one tensor in TF.js: only one of them is read.
    const [, h] = layers
      .gru({ name: 'c', units: 3, returnState: true })
      .apply(x) as unknown as SymbolicTensor[];
    const z = layers.gru({ name: 'a', units: 3 }).apply(y, { initialState: [h] } as never) as T;
    const out = on(dense('out', 2), z);
    const built = model({ inputs: [x, y], outputs: out });
    const xs = () => [normal([4, 3, 2], 8), normal([4, 4, 2], 9)];
    const alone = rest(built, 2);
    const { model: same, report: none } = await thinModel(alone.model);
    expect(none.groups).toEqual([]);
    expect(difference(alone.model, same, xs())).toBeLessThan(1e-5);
    const both = rest(built, 2, ['a', 'c']);
    const { model: small, report } = await thinModel(both.model);
    expect(report.groups.map(({ before, after }) => [before, after])).toEqual([[3, 2]]);
    expect(difference(both.model, small, xs())).toBeLessThan(1e-5);
  });

  test('not when what disturbs it is itself disturbed', async () => {
    const built = graph([4, 2], (x) => on(dense('out', 2), on(layers.simpleRNN({ name: 'a', units: 3 }), x)));
    const run = withConstant(built, 0, []);
    const [kernel, state] = ['a/kernel', 'a/recurrent_kernel'].map((name) => run.parameter(name));
    // Inputs go into unit 2 alone; it goes into unit 1, and that into unit 0.
    write(kernel, [0, 0, 1, 0, 0, 1]);
    write(run.parameter('a/bias'), [0, 0, 0]);
    write(state, [0, 0, 0, 0.5, 0, 0, 0, 0.5, 0]);
    expect(await unitsLeft(run, [4, 2])).toBe(3);
    write(state, [0, 0, 0, 0.5, 0, 0, 0, 0, 0]);
    expect(await unitsLeft(run, [4, 2])).toBe(1);
  });

  test.each(['concat', 'sum', 'mul', 'ave'] as const)('in both directions (%s)', async (mergeMode) => {
    const built = graph([4, 2], (x) =>
      on(
        dense('out', 2),
        on(
          layers.bidirectional({
            name: 'both',
            layer: layers.gru({ name: 'a', units: 3 }) as never,
            mergeMode,
          }),
          x,
        ),
      ),
    );
    const one = rest(built, 2, 'both/forward_a');
    const names = one.parameters.map(({ name }) => name).filter((name) => name.startsWith('both'));
    expect(names).toHaveLength(6);
    const prefix = (i: number): string => names[i].slice(0, names[i].lastIndexOf('/'));
    // In one direction alone: the units of both are tied.
    const half = rest(built, 2, prefix(0));
    const { model: same, report: none } = await thinModel(half.model);
    expect(none.groups).toEqual([]);
    expect(difference(half.model, same, [normal([4, 4, 2], 9)])).toBeLessThan(1e-5);
    const width = 9;
    for (const p of half.parameters.filter(({ name }) => name.startsWith(`${prefix(3)}/`)))
      write(
        p,
        Array.from(p.variable.dataSync(), (w, i) => (i % width === 7 ? 0 : w)),
      );
    const { model: small, report } = await thinModel(half.model);
    expect(report.groups.map(({ before, after }) => [before, after])).toEqual([[3, 2]]);
    expect(difference(half.model, small, [normal([4, 4, 2], 9)])).toBeLessThan(1e-5);
  });
});
