import '@tensorflow/tfjs-backend-cpu';
import type { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CompressOptions, compress, compressWeights, readWeights } from '../src/index.js';
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

/** Two dense layers, and what `end` makes of them. */
function net(end: (g: GraphBuilder, y: string) => void): GraphBuilder {
  const g = new GraphBuilder();
  const x = g.input('x', [-1, 12]);
  const hidden = g.node('relu', 'Relu', [g.dense('d1', x, 12, 24, 1)]);
  end(g, g.dense('d2', hidden, 24, 16, 5));
  return g;
}

describe('constants', () => {
  test.each([
    ['infinite', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ['huge', [3e38, -2e38]],
    ['tiny', [1e-38, 3e-41]],
  ])('%s ones come back as they were', async (_, pair) => {
    const limits = Float32Array.from({ length: 16 }, (_, i) => pair[i % 2]);
    const g = net((graph, y) => {
      const limit = graph.constant('limit', [4, 4], limits);
      const shape = graph.constant('shape', [2], Int32Array.of(1, 16));
      const row = graph.node('row', 'Reshape', [limit, shape], { Tshape: { type: 'DT_INT32' } });
      // At least minus infinity, and such: half of the outputs are as they were, half the limit.
      graph.node('y', 'Maximum', [y, row]);
      graph.output('y');
    });
    const { artifacts, tensors: rows, met } = await compress(g.artifacts(), options);
    expect(met).toBe(true);
    expect(readWeights(artifacts).find(({ name }) => name === 'limit')?.values).toEqual(limits);
    expect(methodOf(rows, 'limit')).toBe('kept');
    expect(methodOf(rows, 'd1/w')).not.toBe('kept');
  });

  test('weights beyond what steps reach are kept, with and without a model', async () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => (i - 32) * 1e37);
    const small = values.map((v) => v * 1e-70);
    const weightSpecs = ['large', 'small'].map((name) => ({
      name,
      shape: [8, 8],
      dtype: 'float32' as const,
    }));
    const weightData = new Float32Array([...values, ...small]).buffer;
    const { artifacts, met } = await compressWeights({ weightSpecs, weightData }, { quality: 30 });
    expect(met).toBe(true);
    expect(readWeights(artifacts).map((weight) => weight.values)).toEqual([values, small]);
  });

  test('outputs that are not numbers are an error, and the tensor that explains it is named', async () => {
    const g = net((graph, y) => {
      graph.node('y', 'AddV2', [y, graph.scalar('nan', Number.NaN)]);
      graph.output('y');
    });
    await expect(compress(g.artifacts(), options)).rejects.toThrow('nan has values that are not finite');
    const root = net((graph, y) => {
      graph.node('y', 'Sqrt', [graph.node('n', 'Neg', [graph.node('e', 'Exp', [y])])]);
      graph.output('y');
    });
    await expect(compress(root.artifacts(), options)).rejects.toMatchObject({ code: 'not-finite' });
  });
});

describe('outputs', () => {
  test('strings and integers are left out of the measure', async () => {
    const g = net((graph, y) => {
      graph.node('scores', 'Softmax', [y]);
      graph.node('names', 'Identity', [graph.constant('labels', [2], ['cat', 'dog'])], {
        T: { type: 'DT_STRING' },
      });
      graph.node('class', 'ArgMax', [y, graph.scalar('axis', 1, 'int32')], {
        output_type: { type: 'DT_INT64' },
      });
      graph.output('names', 'string');
      graph.output('class', 'int64');
      graph.output('scores');
    });
    const { fidelity, peaks, before, met } = await compress(g.artifacts(), options);
    expect([met, peaks.length, before]).toEqual([true, 1, []]);
    expect(fidelity.psnr).toBeGreaterThanOrEqual(40);
    expect(fidelity.psnr).toBeLessThan(60);
  });

  test('of a class alone, what it is chosen from is measured', async () => {
    const g = net((graph, y) => {
      const scores = graph.node('scores', 'Softmax', [y]);
      graph.node('class', 'ArgMax', [scores, graph.scalar('axis', 1, 'int32')], {
        output_type: { type: 'DT_INT64' },
      });
      graph.output('class', 'int64');
    });
    const { fidelity, before, file, losslessBytes, tensors: rows } = await compress(g.artifacts(), options);
    expect(before).toEqual(['class']);
    expect(fidelity.psnr).toBeGreaterThanOrEqual(40);
    expect(fidelity.psnr).toBeLessThan(60);
    expect(file.length).toBeLessThan(0.62 * losslessBytes);
    expect(rows.some(({ unreached }) => unreached)).toBe(false);
  });

  test('behind NonMaxSuppression, the boxes and scores before it', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [8, 12]);
    const boxes = g.node('boxes', 'Sigmoid', [g.dense('d1', x, 12, 4, 1)]);
    const shape = g.constant('shape', [1], Int32Array.of(8));
    const flat = g.node('flat', 'Reshape', [g.dense('d2', x, 12, 1, 2), shape], {
      Tshape: { type: 'DT_INT32' },
    });
    const scores = g.node('scores', 'Sigmoid', [flat]);
    const limits = [g.scalar('most', 5, 'int32'), g.scalar('iou', 0.5), g.scalar('least', 0.1)];
    const nms = g.node('nms', 'NonMaxSuppressionV3', [boxes, scores, ...limits]);
    g.node('y', 'GatherV2', [boxes, nms, g.scalar('axis', 0, 'int32')]);
    g.output('y');
    const { before, peaks, met, tensors: rows } = await compress(g.artifacts(), { ...options, quality: 35 });
    expect([met, before, peaks.length]).toEqual([true, ['y'], 2]);
    expect([methodOf(rows, 'd1/w'), methodOf(rows, 'd2/w')]).toEqual(['compensated', 'compensated']);
  });

  test('that hardly vary have a part of their magnitude for a peak, which is said', async () => {
    const g = net((graph, y) => {
      const small = graph.node('small', 'Mul', [y, graph.scalar('k', 1e-6)]);
      graph.node('y', 'AddV2', [small, graph.scalar('five', 5)]);
      graph.output('y');
    });
    const { peaks, floored, met, fidelity } = await compress(g.artifacts(), options);
    expect([met, floored]).toEqual([true, [0]]);
    expect(peaks[0]).toBeCloseTo(5 / 32, 5);
    expect(fidelity.psnr).toBeGreaterThanOrEqual(40);
    const given = await compress(g.artifacts(), { ...options, peak: 1 });
    expect([given.peaks, given.floored]).toEqual([[1], []]);
  });

  test('none that is a float and depends on weights: an error by name, and weights by themselves', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [-1, 3], 'int32');
    g.node('y', 'AddV2', [x, g.scalar('one', 1, 'int32')], { T: { type: 'DT_INT32' } });
    g.constant('w', [8, 8], wave(64, 1));
    g.output('y', 'int32');
    const failed = await compress(g.artifacts(), options).catch((error: EspalierError) => error);
    expect(failed).toMatchObject({ code: 'cannot-run' });
    expect((await compressWeights(g.artifacts(), { quality: 30 })).met).toBe(true);
  });
});
