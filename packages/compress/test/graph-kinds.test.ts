import '@tensorflow/tfjs-backend-cpu';
import type { ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CompressOptions, compress, load } from '../src/index.js';
import { GraphBuilder, wave } from './graphs.js';

const options = { quality: 40, effort: 1 } satisfies CompressOptions;
const methodOf = (tensors: readonly { name: string; method: string }[], name: string): string | undefined =>
  tensors.find((tensor) => tensor.name === name)?.method;

let tensors = 0;
beforeEach(async () => {
  await tf.ready();
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

describe('what else a graph may be', () => {
  test('one with a hash table, filled by an initializer', async () => {
    const g = new GraphBuilder();
    const id = g.input('id', [-1], 'int32');
    const table = g.input('table', [], 'resource');
    const found = g.node('found', 'LookupTableFindV2', [table, id, g.scalar('none', -1, 'int32')], {
      Tin: { type: 'DT_INT32' },
      Tout: { type: 'DT_INT32' },
    });
    const real = g.node('real', 'Cast', [found], { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } });
    const column = g.node('column', 'Reshape', [real, g.constant('shape', [2], Int32Array.of(-1, 1))], {
      Tshape: { type: 'DT_INT32' },
    });
    g.node('y', 'Tanh', [g.dense('d1', column, 1, 40, 1)]);
    g.output('y');
    const artifacts = g.artifacts();
    const resource = { name: 'table:0', dtype: 'DT_RESOURCE', tensorShape: {}, resourceId: 7 };
    const keys = g.constant(
      'keys',
      [10],
      Int32Array.from({ length: 10 }, (_, i) => i),
    );
    const values = g.constant(
      'values',
      [10],
      Int32Array.from({ length: 10 }, (_, i) => (i * 3) % 7),
    );
    const node = (name: string, op: string, input: string[] = [], attr: object = {}): object => ({
      name,
      op,
      input,
      attr,
    });
    const { weightSpecs, weightData } = g.artifacts();
    const types = { key_dtype: { type: 'DT_INT32' }, value_dtype: { type: 'DT_INT32' } };
    const constant = { dtype: { type: 'DT_INT32' } };
    const model = {
      ...artifacts,
      weightSpecs,
      weightData,
      signature: {
        ...(artifacts.signature as object),
        inputs: { table: resource, id: { name: 'id:0', dtype: 'DT_INT32' } },
      },
      modelInitializer: {
        node: [
          node(keys, 'Const', [], constant),
          node(values, 'Const', [], constant),
          node('made', 'HashTableV2', [], types),
          node('filled', 'LookupTableImportV2', ['made', keys, values], types),
        ],
        versions: { producer: 1, minConsumer: 1 },
      },
      initializerSignature: { outputs: { made: { name: 'made:0', dtype: 'DT_RESOURCE', resourceId: 7 } } },
    };
    const { met, tensors: rows } = await compress(model as ModelArtifacts, options);
    expect([met, methodOf(rows, 'keys')]).toEqual([true, 'kept']);
    expect(methodOf(rows, 'd1/w')).not.toBe('kept');
  });

  test('one without weights', async () => {
    const g = new GraphBuilder();
    g.node('y', 'Tanh', [g.input('x', [-1, 4])]);
    g.output('y');
    expect(await compress(g.artifacts(), options)).toMatchObject({ met: true, lossless: true });
    expect(await compress(g.artifacts(), { size: 1e5 })).toMatchObject({ met: true, lossless: true });
    expect(await compress(g.artifacts(), { size: 10 })).toMatchObject({ met: false });
  });

  test('one that takes no examples, and one whose output is a weight', async () => {
    const g = new GraphBuilder();
    const flag = g.input('training', [], 'bool');
    const w = g.constant('w', [20, 20], wave(400, 1));
    g.node('y', 'SelectV2', [flag, g.node('half', 'Mul', [w, g.scalar('k', 0.5)]), w]);
    g.output('y');
    const { met, file, losslessBytes } = await compress(g.artifacts(), options);
    expect(met).toBe(true);
    expect(file.length).toBeLessThan(losslessBytes);
    const h = new GraphBuilder();
    h.dense('d1', h.input('x', [-1, 12]), 12, 8, 1);
    h.output('d1/y');
    h.output('d1/w');
    expect(await compress(h.artifacts(), options)).toMatchObject({ met: true });
  });

  test('two halves of one output before a choice', async () => {
    const g = new GraphBuilder();
    const both = g.dense('d1', g.input('x', [8, 12]), 12, 8, 1);
    g.node('parts', 'Split', [g.scalar('one', 1, 'int32'), both], { num_split: { i: '2' } });
    const best = g.node('best', 'Max', ['parts:1', g.scalar('axis', 1, 'int32')], {
      keep_dims: { b: false },
    });
    const limits = [g.scalar('most', 5, 'int32'), g.scalar('iou', 0.5), g.scalar('least', -9)];
    const nms = g.node('nms', 'NonMaxSuppressionV3', ['parts', best, ...limits]);
    g.node('y', 'GatherV2', ['parts', nms, g.scalar('zero', 0, 'int32')]);
    g.output('y');
    const { met, before, peaks } = await compress(g.artifacts(), options);
    expect([met, before, peaks.length]).toEqual([true, ['y'], 2]);
  });

  test('an output that waits for checks is measured without them', async () => {
    const g = new GraphBuilder();
    const raw = g.dense('d1', g.input('x', [8, 12]), 12, 8, 1);
    const nonzero = g.node('nonzero', 'Where', [g.node('above', 'Greater', [raw, g.scalar('zero', 0)])]);
    g.node('y', 'Identity', [g.node('copy', 'Identity', [raw, `^${nonzero}`]), `^${nonzero}`]);
    g.output('y');
    const model = await load(g.artifacts());
    expect([model.waits, model.before]).toEqual([false, []]);
    model.dispose();
    expect(await compress(g.artifacts(), options)).toMatchObject({ met: true, before: [] });
  });

  test('scores that a choice takes class by class are one output, and not measured twice', async () => {
    const behindChoice = (own: boolean): GraphBuilder => {
      const g = new GraphBuilder();
      const scores = g.dense('d1', g.input('x', [8, 12]), 12, 4, 1);
      if (own) g.output(g.node('scores', 'Reshape', [scores, g.constant('flat', [1], Int32Array.of(32))]));
      for (const k of [0, 1]) {
        const [from, size] = [Int32Array.of(0, 2 * k), Int32Array.of(8, 2)];
        const part = g.node(`part${k}`, 'Slice', [
          scores,
          g.constant(`from${k}`, [2], from),
          g.constant(`size${k}`, [2], size),
        ]);
        g.node(`best${k}`, 'TopKV2', [part, g.scalar(`k${k}`, 1, 'int32')], { sorted: { b: true } });
        g.output(`best${k}`);
      }
      return g;
    };
    for (const own of [false, true]) {
      const { before, peaks } = await compress(behindChoice(own).artifacts(), options);
      expect([before, peaks.length]).toEqual([['best0', 'best1'], 1]);
    }
  });
});
