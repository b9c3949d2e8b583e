import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText, loadText, sequences, textDataset } from '../src/index.js';

describe('texts', () => {
  const data = textDataset('mine', 'the quick brown fox – jumps 🦊 over the lazy dog', {
    validation: 0.1,
    test: 0.2,
  });

  it('round-trips, characters outside the basic plane included', () => {
    const whole = [data.train, data.validation, data.test]
      .map((ids) => decodeText(ids, data.alphabet))
      .join('');
    expect(whole).toBe('the quick brown fox – jumps 🦊 over the lazy dog');
    expect([data.validation.length, data.test.length]).toEqual([5, 9]);
    expect(decodeText(data.test, data.alphabet)).toBe(' lazy dog');
  });

  it('refuses strangers and shares that leave nothing', () => {
    expect(() => encodeText('aXa', ['a'])).toThrow('"X" at 1');
    expect(() => textDataset('x', 'abc', { validation: 0.5, test: 0.5 })).toThrow('leave some');
  });

  it('refuses an unknown name', async () => {
    await expect(loadText('mobydick')).rejects.toThrow('Did you mean "moby-dick"?');
  });
});

describe('sequences', () => {
  const ids = Uint16Array.from({ length: 50 }, (_, i) => i);
  const argMax = (labels: tf.Tensor): number[][] =>
    tf.tidy(() => tf.argMax(labels, -1).arraySync() as number[][]);

  it('labels are the next character, over sequences that do not overlap', () => {
    const source = sequences(ids, { classCount: 50, length: 7, batchSize: 4 });
    const seen: number[] = [];
    for (const { inputs, labels } of source.batches(0)) {
      const rows = inputs.arraySync() as number[][];
      expect(argMax(labels)).toEqual(rows.map((row) => row.map((id) => id + 1)));
      expect(inputs.dtype).toBe('int32');
      seen.push(...rows.flat());
      tf.dispose([inputs, labels]);
    }
    expect(seen).toEqual([...ids.subarray(0, 49)]);
    expect([source.size, source.stepsPerEpoch]).toEqual([7, 2]);
  });

  it('cuts and orders anew for each epoch, from the seed alone', () => {
    const starts = (number: number): number[] => {
      const found: number[] = [];
      const options = { classCount: 50, length: 7, batchSize: 4, shuffle: 2, oneHotInputs: true } as const;
      for (const { inputs, labels } of sequences(ids, options).batches(number)) {
        expect(inputs.shape).toEqual([inputs.shape[0], 7, 50]);
        found.push(...argMax(inputs).map(([first]) => first));
        tf.dispose([inputs, labels]);
      }
      return found;
    };
    const offsets = new Set<number>();
    for (let number = 0; number < 40; number++) {
      const found = starts(number);
      expect(found).toEqual(starts(number));
      const sorted = [...found].sort((a, b) => a - b);
      expect(sorted).toEqual(sorted.map((_, i) => sorted[0] + 7 * i));
      offsets.add(sorted[0]);
    }
    expect([...offsets].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('refuses what it cannot honour', () => {
    expect(() => sequences(ids, { classCount: 49, length: 7, batchSize: 1 })).toThrow('classCount = 49');
    expect(() => sequences(ids, { classCount: 50, length: 50, batchSize: 1 })).toThrow(
      '50 ids give no sequence',
    );
  });
});
