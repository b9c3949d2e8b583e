import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { batchesOf, firstOf, rowsFor, splitExamples } from '../src/examples/batches.js';
import { inputsWithTables } from '../src/examples/table-inputs.js';
import { load } from '../src/model/load.js';
import type { Executable, InputSpec } from '../src/model/model.js';
import { GraphBuilder, wave } from './graphs.js';

beforeAll(() => tf.ready());

const input = (...shape: number[]): InputSpec => ({ name: 'x', shape, dtype: 'float32' });
const rows = (n: number, ...rest: number[]): tf.Tensor =>
  tf.reshape(tf.range(0, n * rest.reduce((a, b) => a * b, 1)), [n, ...rest]);

describe('rows', () => {
  test('that make so many examples: as many, or whole batches, four at least', () => {
    expect(rowsFor([input(-1, 3), input(-1)], 10)).toEqual([10, 10]);
    expect(rowsFor([input(4, 3), input(-1)], 16)).toEqual([16, 16]);
    expect(rowsFor([input(4, 3), input(-1)], 17)).toEqual([20, 20]);
    expect(rowsFor([input(4, 3), input(8)], 40)).toEqual([40, 80]);
    expect(rowsFor([input(32, 3)], 10)).toEqual([128]);
    expect(rowsFor([input(32, 3)], 2)).toEqual([64]);
    expect(rowsFor([], 5)).toEqual([]);
  });

  test('of a batch of any size: the first, one at least; of a fixed one all', () => {
    tf.tidy(() => {
      const batch = [rows(6, 2), rows(6, 1)];
      const few = firstOf([input(-1, 2), input(-1, 1)], batch, 2.9);
      expect(few.map((tensor) => [...tensor.dataSync()])).toEqual([
        [0, 1, 2, 3],
        [0, 1],
      ]);
      expect(firstOf([input(-1, 2), input(-1, 1)], batch, 0.3)[0]?.shape).toEqual([1, 2]);
      for (const count of [6, 7, Number.POSITIVE_INFINITY])
        expect(firstOf([input(-1, 2), input(-1, 1)], batch, count)).toBe(batch);
      expect(firstOf([input(6, 2), input(-1, 1)], batch, 2)).toBe(batch);
      const none: tf.Tensor[] = [];
      expect(firstOf([], none, 2)).toBe(none);
    });
  });

  test('are cut in order; what fills no fixed batch is left out', () => {
    tf.tidy(() => {
      const values = (inputs: InputSpec[], examples: tf.Tensor[], size: number): number[][][] =>
        batchesOf(inputs, examples, size).map((batch) => batch.map((tensor) => [...tensor.dataSync()]));
      expect(values([input(-1, 2)], [rows(3, 2)], 2)).toEqual([[[0, 1, 2, 3]], [[4, 5]]]);
      expect(values([input(2), input(1)], [rows(5), rows(2)], 9)).toEqual([
        [[0, 1], [0]],
        [[2, 3], [1]],
      ]);
      expect(values([input(2), input(-1)], [rows(4), rows(4)], 9)).toEqual([
        [
          [0, 1],
          [0, 1],
        ],
        [
          [2, 3],
          [2, 3],
        ],
      ]);
      expect(batchesOf([], [], 4)).toEqual([[]]);
    });
  });

  test('of the last quarter are apart, in whole batches', () => {
    tf.tidy(() => {
      const parts = (inputs: InputSpec[], ...counts: number[]): (number[] | undefined)[] =>
        splitExamples(
          inputs,
          counts.map((n) => rows(n)),
        ).map((part) => part?.map(({ shape }) => shape[0] as number));
      expect(parts([input(-1)], 11)).toEqual([[9], [2]]);
      expect(parts([input(-1)], 4)).toEqual([[3], [1]]);
      expect(parts([input(-1)], 3)).toEqual([[3], undefined]);
      expect(parts([input(2), input(6)], 16, 50)).toEqual([
        [12, 36],
        [4, 12],
      ]);
      expect(parts([input(2)], 7)).toEqual([[7], undefined]);
      const [own, apart] = splitExamples([input(-1)], [rows(8)]);
      expect([own, apart].map((part) => [...(part?.[0]?.dataSync() ?? [])])).toEqual([
        [0, 1, 2, 3, 4, 5],
        [6, 7],
      ]);
      const nothing: tf.Tensor[] = [];
      expect(splitExamples([], nothing)).toEqual([nothing, undefined]);
    });
  });
});

describe('indices', () => {
  const found = async (
    build: (g: GraphBuilder, x: string) => void,
    shape = [-1, 3],
    type: 'int32' | 'float32' = 'int32',
  ): Promise<(number | undefined)[]> => {
    const g = new GraphBuilder();
    build(g, g.input('x', shape, type));
    g.output('y');
    const model = await load(g.artifacts());
    const { numTensors } = tf.memory();
    const inputs = await inputsWithTables(model);
    expect(tf.memory().numTensors).toBe(numTensors);
    model.dispose();
    return inputs.map(({ below }) => below);
  };
  const table = (g: GraphBuilder, name: string, size: number): string =>
    g.constant(name, [size, 2], wave(2 * size, 1));
  const look = (g: GraphBuilder, x: string, size: number, name = 'y'): string =>
    g.node(name, 'GatherV2', [table(g, `${name}/table`, size), x, g.scalar(`${name}/axis`, 0, 'int32')]);

  test('are below the rows of the smallest table that they look up', async () => {
    expect(await found((g, x) => look(g, x, 7))).toEqual([7]);
    expect(await found((g, x) => g.node('y', 'AddV2', [look(g, x, 7, 'a'), look(g, x, 5, 'b')]))).toEqual([
      5,
    ]);
    // Through a reshape and a cast they are the same numbers; through a sum no longer.
    const flat = (g: GraphBuilder, x: string): string =>
      g.node('flat', 'Reshape', [x, g.constant('shape', [1], Int32Array.of(-1))]);
    expect(await found((g, x) => look(g, flat(g, x), 9))).toEqual([9]);
    const cast = (g: GraphBuilder, x: string): string =>
      g.node('cast', 'Cast', [x], { SrcT: { type: 'DT_FLOAT' }, DstT: { type: 'DT_INT32' } });
    expect(await found((g, x) => look(g, cast(g, x), 9), [-1, 3], 'float32')).toEqual([9]);
    const next = (g: GraphBuilder, x: string): string =>
      g.node('next', 'AddV2', [x, g.scalar('one', 1, 'int32')], { T: { type: 'DT_INT32' } });
    expect(await found((g, x) => look(g, next(g, x), 9))).toEqual([undefined]);
  });

  test('are looked for on one example of zeros, eight along any other axis', async () => {
    const shapes: number[][] = [];
    const model = {
      inputs: [
        { name: 'x', shape: [-1, -1, 3], dtype: 'int32' },
        { name: 'y', shape: [2, -1], dtype: 'float32' },
      ],
      run: async (zeros: readonly tf.Tensor[]) => {
        for (const zero of zeros) shapes.push([...zero.shape, Math.max(...zero.dataSync())]);
        expect(zeros.map(({ dtype }) => dtype)).toEqual(['int32', 'float32']);
        return [];
      },
    } as unknown as Executable;
    await inputsWithTables(model);
    expect(shapes).toEqual([
      [1, 8, 3, 0],
      [2, 8, 0],
    ]);
  });

  test('are not looked for in pictures and sounds, nor where the model does not run on zeros', async () => {
    const sum = (g: GraphBuilder, x: string): void => {
      g.node('y', 'Neg', [x]);
    };
    expect(await found(sum, [-1, 4, 4, 3], 'float32')).toEqual([undefined]);
    let runs = 0;
    const model = (shape: number[], dtype: tf.DataType, fails = false): Executable =>
      ({
        inputs: [{ name: 'x', shape, dtype }],
        run: async () => {
          runs++;
          if (fails) throw new Error('it does not');
          return [];
        },
      }) as unknown as Executable;
    for (const [shape, dtype, times] of [
      [[-1, 3], 'float32', 1],
      [[-1, 4095, 1], 'float32', 1],
      [[-1, 4096], 'float32', 0],
      [[-1, 4, 4, 3], 'float32', 0],
      [[-1, 4, 4, 3], 'int32', 1],
      [[-1, 4], 'string', 0],
    ] as const) {
      runs = 0;
      await inputsWithTables(model([...shape], dtype));
      expect(runs).toBe(times);
    }
    expect((await inputsWithTables(model([-1, 3], 'int32', true)))[0]).toEqual({
      name: 'x',
      shape: [-1, 3],
      dtype: 'int32',
    });
  });
});
