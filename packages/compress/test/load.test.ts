import '@tensorflow/tfjs-backend-cpu';
import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isGraph } from '../src/model/is-graph.js';
import { load } from '../src/model/load.js';
import type { Executable } from '../src/model/model.js';
import { said } from '../src/model/said.js';
import { GraphBuilder } from './graphs.js';
import { artifactsOf } from './models.js';

let tensors = 0;
beforeEach(async () => {
  await tf.ready();
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

/** The values of each output. */
async function valuesOf(
  model: Executable,
  examples: tf.Tensor[],
  values?: ReadonlyMap<string, tf.Tensor>,
): Promise<number[][]> {
  const outputs = await model.run(examples, values);
  const read = outputs.map((tensor) => [...tensor.dataSync()]);
  tf.dispose([...outputs, ...examples]);
  return read;
}
const x = (...values: number[]): tf.Tensor => tf.tensor2d([values]);

/** A graph of `x w`, with `w` of so many rows and columns, and what `end` makes of it. */
function product(rows: number, columns: number, end: (g: GraphBuilder, y: string) => void): GraphBuilder {
  const g = new GraphBuilder();
  const w = g.constant(
    'w',
    [rows, columns],
    Float32Array.from({ length: rows * columns }, (_, i) => i + 1),
  );
  const attrs = { transpose_a: { b: false }, transpose_b: { b: false } };
  end(g, g.node('xw', 'MatMul', [g.input('x', [-1, rows]), w], attrs));
  return g;
}

describe('a model that is loaded', () => {
  test('runs with its own weights, or with others of the same size in their place', async () => {
    const own = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2], name: 'd' })] });
    own.setWeights([tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor1d([10, 20])]);
    const artifacts = await artifactsOf(own);
    own.dispose();
    tensors = tf.memory().numTensors;
    const model = await load(artifacts);
    expect(await valuesOf(model, [x(1, 1)])).toEqual([[14, 26]]);
    const kernel = tf.tensor2d([0, 1, 0, 1], [2, 2]);
    const flat = tf.tensor1d([5, 6, 7, 8]);
    const unknown = new Map([['other', kernel]]);
    expect(await valuesOf(model, [x(1, 1)], new Map([['d/kernel', kernel]]))).toEqual([[10, 22]]);
    expect(await valuesOf(model, [x(1, 1)], new Map([['d/kernel', flat]]))).toEqual([[22, 34]]);
    expect(await valuesOf(model, [x(1, 1)], unknown)).toEqual([[14, 26]]);
    expect(await valuesOf(model, [x(1, 1)])).toEqual([[14, 26]]);
    tf.dispose([kernel, flat]);
    model.dispose();
  });

  test('that is a graph says how often each weight is read, as far as that is known', async () => {
    const once = product(2, 2, (g, y) => g.node('y', 'Neg', [y]));
    once.output('y');
    const twice = product(2, 2, (g, y) => g.node('y', 'AddV2', [y, 'w']));
    twice.output('y');
    const [one, two] = [await load(once.artifacts()), await load(twice.artifacts())];
    expect([one.readers?.('w'), two.readers?.('w'), one.readers?.('v')]).toEqual([
      1,
      2,
      Number.POSITIVE_INFINITY,
    ]);
    expect(await valuesOf(one, [x(1, 1)])).toEqual([[-4, -6]]);
    for (const model of [one, two]) model.dispose();
  });

  test('that waits for values leaves none, whatever its outputs are', async () => {
    const g = product(2, 2, (graph, y) => {
      graph.node('switch', 'Switch', [y, graph.constant('flag', [], Uint8Array.of(1))]);
      graph.node('y', 'Merge', ['switch:0', graph.node('twice', 'AddV2', ['switch:1', 'switch:1'])]);
    });
    for (const name of ['y', 'w', 'x']) g.output(name);
    const model = await load(g.artifacts());
    expect(model.readers?.('w')).toBe(Number.POSITIVE_INFINITY);
    const before = tf.memory().numTensors;
    for (let times = 0; times < 2; times++) {
      const outputs = await valuesOf(model, [x(1, 1)]);
      expect(outputs).toEqual([
        [8, 12],
        [1, 2, 3, 4],
        [1, 1],
      ]);
      expect(tf.memory().numTensors).toBe(before);
    }
    model.dispose();
  });

  test.each([
    ['a matrix of eight elements', 4, 2, true],
    ['seven elements', 7, 1, false],
  ])('that gives a class is measured before it where %s are learned', async (_, rows, columns, learned) => {
    const g = product(rows, columns, (graph, y) => {
      graph.node('y', 'ArgMax', [y, graph.scalar('axis', 1, 'int32')]);
    });
    g.output('y', 'int32');
    const { artifacts, ...signed } = { artifacts: g.artifacts(), userDefinedMetadata: {} };
    for (const form of [
      artifacts,
      {
        ...artifacts,
        signature: undefined,
        userDefinedMetadata: { ...signed, signature: artifacts.signature },
      },
    ] as ModelArtifacts[]) {
      const model = await load(form);
      expect(model.before).toEqual(learned ? ['y'] : []);
      model.dispose();
    }
  });

  test('that adds a vector is not: vectors are not learned alone, nor are integers', async () => {
    for (const values of [new Float32Array(8).fill(1), new Int32Array(8).fill(1)]) {
      const g = new GraphBuilder();
      const float = values instanceof Float32Array;
      const shape = float ? [8] : [1, 8];
      const sum = g.node('sum', 'AddV2', [
        g.input('x', [-1, 8], float ? 'float32' : 'int32'),
        g.constant('v', shape, values),
      ]);
      g.node('y', 'ArgMax', [sum, g.scalar('axis', 1, 'int32')]);
      g.output('y', 'int32');
      const model = await load(g.artifacts());
      expect(model.before).toEqual([]);
      model.dispose();
    }
  });
});

describe('what is no model', () => {
  test('is a graph by its nodes, whatever its format says, or by that where it has neither nodes nor layers', () => {
    expect(isGraph({ format: 'graph-model' })).toBe(true);
    expect(isGraph({ modelTopology: { node: [] } })).toBe(true);
    expect(isGraph({ modelTopology: { node: [] }, format: 'layers-model' })).toBe(true);
    const layers = { class_name: 'Sequential' };
    expect(isGraph({ modelTopology: layers, format: 'graph-model' })).toBe(false);
    expect(isGraph({ modelTopology: { model_config: {} }, format: 'graph-model' })).toBe(false);
    expect(isGraph({ modelTopology: { class_name: 'Sequential' } })).toBe(false);
    expect(isGraph({})).toBe(false);
  });

  test('is refused with what TensorFlow.js says, and a remedy', async () => {
    const layers = [{ class_name: 'NoSuchLayer', config: { name: 'n' } }];
    const artifacts = { modelTopology: { class_name: 'Sequential', config: { name: 's', layers } } };
    const refused = await load(artifacts as ModelArtifacts).catch((error: EspalierError) => error);
    expect(refused).toMatchObject({ code: 'bad-model', cause: expect.any(Error) });
    expect((refused as Error).message).toMatch(/NoSuchLayer[^\n]*\n +Are its custom layers/);
    const graph = product(2, 2, (g, y) => g.node('y', 'Neg', [y])).artifacts();
    await expect(load(graph, { y: 1 })).rejects.toMatchObject({ code: 'unknown-name' });
    const own = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2] })] });
    const saved = await artifactsOf(own);
    own.dispose();
    tensors = tf.memory().numTensors;
    await expect(load(saved, { x: 1 })).rejects.toMatchObject({ code: 'invalid-option' });
  });

  test('what a kernel throws is an error by name; what hooks throw is as it was', async () => {
    const g = product(2, 2, (graph, y) => graph.node('y', 'NoSuchOperation', [y]));
    g.output('y');
    const model = await load(g.artifacts());
    const input = x(1, 1);
    await expect(model.run([input])).rejects.toMatchObject({ code: 'cannot-run' });
    const own = new EspalierError('invalid-option', 'as it was');
    const thrown = model.run([input], undefined, () => {
      throw own;
    });
    await expect(thrown).rejects.toBe(own);
    tf.dispose(input);
    model.dispose();
  });

  test('what is said is one line, not a long one', () => {
    expect(said(new Error('one\ntwo'))).toBe('one');
    expect(said('x'.repeat(400))).toBe('x'.repeat(300));
    for (const inner of [
      'Cannot read properties of null (reading 1)',
      'x.map is not a function',
      'y of undefined',
    ]) {
      expect(said(new TypeError(inner))).toMatch(/^something in it is missing/);
    }
    expect(said(new TypeError("Unknown op 'X'"))).toBe("Unknown op 'X'");
    expect(said(new RangeError('Invalid array length'))).toMatch(/more memory than there is \(Invalid array/);
    expect(said(new RangeError('Maximum call stack size exceeded'))).toBe('it is nested too deep');
    expect([said(undefined), said({ message: 5 })]).toEqual(['undefined', '5']);
  });
});
