import { startBackend } from '@espalier/backend';
import { batches, type Split } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';

const native = await startBackend({ prefer: 'native' }).catch(() => undefined);
const kernel = native && tf.getKernel('EspalierExamples', 'tensorflow');
if (!kernel) console.warn('batches by the addon are not tested: it is not compiled here');

const shape = [5, 4, 3];
const size = 11;
const stride = 60;

function split(inputs: Split['inputs']): Split {
  return {
    size,
    inputShape: shape,
    classCount: 3,
    inputs,
    labels: Uint8Array.from({ length: size }, (_, i) => i % 3),
  };
}

const bytes = split(Uint8Array.from({ length: size * stride }, (_, i) => (i * 7919) % 256));
const floats = split(Float32Array.from({ length: size * stride }, (_, i) => Math.sin(i)));

/** The inputs of an epoch, batch by batch, on a backend. */
function inputsOn(backend: string, source: Split, options: object, epoch: number): number[][] {
  tf.setBackend(backend);
  const all: number[][] = [];
  for (const { inputs, labels } of batches(source, { batchSize: 4, ...options }).batches(epoch)) {
    expect(inputs.dtype).toBe('float32');
    all.push([...inputs.shape, ...inputs.dataSync()]);
    tf.dispose([inputs, labels]);
  }
  return all;
}

describe.skipIf(!kernel)('batches that the addon gathers', () => {
  test.each([
    ['bytes in their order', bytes, {}],
    ['bytes, shuffled, of another shape and scale', bytes, { shuffle: 3, shape: [60], scale: 'symmetric' }],
    ['bytes as they are', bytes, { scale: 'none' }],
    ['bytes that are moved', bytes, { shuffle: 3, augment: { shift: 2 } }],
    ['bytes that are moved out of the picture', bytes, { scale: 'symmetric', augment: { shift: 9 } }],
    ['floats', floats, { shuffle: 5 }],
    ['floats that are moved', floats, { shuffle: 5, augment: { shift: 4 } }],
  ])('%s: the same bits as in JavaScript', (_, source, options) => {
    for (const epoch of [0, 4]) {
      const expected = inputsOn('cpu', source, options, epoch);
      expect(inputsOn('tensorflow', source, options, epoch)).toEqual(expected);
      expect(expected.map(([n]) => n)).toEqual([4, 4, 3]);
    }
  });

  test('nothing beside the examples is read', () => {
    tf.setBackend('tensorflow');
    const attributes = (chosen: number[], shape: number[]) => ({
      values: bytes.inputs,
      table: new Float32Array(256),
      chosen: Uint32Array.from(chosen),
      shape,
    });
    const run = (attrs: object) =>
      tf.engine().runKernel('EspalierExamples', {}, attrs as never) as unknown as tf.Tensor;
    run(attributes([10], [1, stride])).dispose();
    for (const wrong of [
      attributes([11], [1, stride]),
      attributes([0, 1], [1, stride]),
      { ...attributes([0], [1, stride]), table: new Float32Array(255) },
      { ...attributes([0], [1, stride]), shifts: Int32Array.of(1, 1), picture: [5, 4, 2, 0] },
      { ...attributes([0], [1, stride]), shifts: Int32Array.of(1), picture: [...shape, 0] },
    ]) {
      expect(() => run(wrong)).toThrow('not well formed');
    }
  });
});
