import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { readWeights, withValues } from '../src/model/weights.js';

describe('weights', () => {
  test('are read as TF.js reads them, whatever their type on disk, and written back untouched', () => {
    const weightSpecs = [
      { name: 'h', shape: [3], dtype: 'float32' as const, quantization: { dtype: 'float16' as const } },
      {
        name: 'q',
        shape: [3],
        dtype: 'float32' as const,
        quantization: { dtype: 'uint8' as const, scale: 0.5, min: -1 },
      },
      {
        name: 'i',
        shape: [2],
        dtype: 'int32' as const,
        quantization: { dtype: 'uint8' as const, scale: 2, min: -3 },
      },
      { name: 'b', shape: [2], dtype: 'bool' as const },
      { name: 's', shape: [2], dtype: 'string' as const },
    ];
    const bytes = [
      0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0, 2, 255, 0, 4, 1, 0, 1, 0, 0, 0, 65, 2, 0, 0, 0, 66, 67,
    ];
    const weightData = Uint8Array.from(bytes).buffer;
    const weights = readWeights({ weightSpecs, weightData });
    const [half, quantized, integers, flags, strings] = weights;
    expect([...(half.values ?? [])]).toEqual([1, -2, 2 ** -24]);
    expect([...(quantized.values ?? [])]).toEqual([-1, 0, 126.5]);
    const decoded = tf.io.decodeWeights(weightData, weightSpecs);
    for (const { name, values } of [half, quantized, integers]) {
      expect([...(values ?? [])]).toEqual([...decoded[name].dataSync()]);
    }
    expect([...(flags.values ?? [])]).toEqual([1, 0]);
    expect(strings.values).toBeUndefined();
    const same = withValues({}, weights, new Map());
    expect(new Uint8Array(same.weightData as ArrayBuffer)).toEqual(Uint8Array.from(bytes));
    expect(() => readWeights({ weightSpecs, weightData: weightData.slice(0, 20) })).toThrow('end inside s');
    expect(() => readWeights({ weightSpecs: [], weightData })).toThrow(
      '24 bytes of weights; 0 are described',
    );
    tf.dispose(decoded);
    // A text of nothing at the very end is its length alone.
    const texts = [{ name: 't', shape: [2], dtype: 'string' as const }];
    const ends = (...own: number[]) =>
      readWeights({ weightSpecs: texts, weightData: Uint8Array.from(own).buffer });
    expect(ends(1, 0, 0, 0, 65, 0, 0, 0, 0)[0]?.bytes.length).toBe(9);
    for (const short of [
      [1, 0, 0, 0, 65, 0, 0, 0],
      [1, 0, 0, 0, 65, 1, 0, 0, 0],
    ])
      expect(() => ends(...short)).toThrow('end inside t');
  });
});
