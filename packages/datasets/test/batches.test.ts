import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type Batches, type BatchOptions, batches, type Split } from '../src/index.js';

const split: Split = {
  size: 7,
  inputShape: [2, 2, 1],
  classCount: 3,
  inputs: Uint8Array.from({ length: 28 }, (_, i) => i * 9),
  labels: Uint8Array.of(0, 1, 2, 0, 1, 2, 0),
};

/** An epoch as plain arrays; the tensors are disposed of. */
function epoch(
  source: Batches,
  number: number,
): { inputs: number[][]; labels: number[][]; shapes: string[] } {
  const all = { inputs: [] as number[][], labels: [] as number[][], shapes: [] as string[] };
  for (const { inputs, labels } of source.batches(number)) {
    const rows = tf.reshape(inputs, [inputs.shape[0], -1]).arraySync() as number[][];
    all.inputs.push(...rows);
    all.labels.push(
      ...(labels.rank === 2 ? (labels.arraySync() as number[][]) : [labels.arraySync() as number[]]),
    );
    all.shapes.push(`${inputs.shape} ${inputs.dtype} ${labels.shape} ${labels.dtype}`);
  }
  return all;
}
const example = (i: number): number[] => [0, 1, 2, 3].map((j) => Math.fround(((i * 4 + j) * 9) / 255));
/** Which examples an epoch gave, in order: example i starts with the byte 36 i. */
const ids = (source: Batches, number: number): number[] =>
  epoch(source, number).inputs.map(([first]) => Math.round((first * 255) / 36));

describe('batches', () => {
  it('gives every example once, scaled to [0, 1], one-hot, the last batch short', () => {
    const source = batches(split, { batchSize: 3 });
    expect([source.size, source.batchSize, source.stepsPerEpoch]).toEqual([7, 3, 3]);
    const { inputs, labels, shapes } = epoch(source, 0);
    expect(inputs).toEqual([0, 1, 2, 3, 4, 5, 6].map(example));
    expect(labels.map((row) => row.indexOf(1))).toEqual([...split.labels]);
    expect(labels.flat().reduce((a, b) => a + b)).toBe(7);
    expect(shapes).toEqual([
      '3,2,2,1 float32 3,3 float32',
      '3,2,2,1 float32 3,3 float32',
      '1,2,2,1 float32 1,3 float32',
    ]);
  });

  it('shuffles by seed and epoch alone', () => {
    const source = batches(split, { batchSize: 2, shuffle: 3 });
    const orders = [0, 1, 2, 3].map((number) => ids(source, number));
    for (const order of orders) expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(new Set(orders.map(String)).size).toBe(4);
    // Another object, asked out of turn, as after a resume.
    expect(ids(batches(split, { batchSize: 2, shuffle: 3 }), 2)).toEqual(orders[2]);
    expect(ids(batches(split, { batchSize: 2, shuffle: 4 }), 2)).not.toEqual(orders[2]);
  });

  it('keeps input and label together when it shuffles', () => {
    const source = batches(split, { batchSize: 4, shuffle: 1, oneHot: false });
    const { labels, shapes } = epoch(source, 5);
    expect(labels.flat()).toEqual(ids(source, 5).map((i) => split.labels[i]));
    expect(shapes[0]).toBe('4,2,2,1 float32 4 int32');
  });

  it('scales to [-1, 1] or not at all, reshapes, drops the remainder', () => {
    const symmetric = epoch(batches(split, { batchSize: 7, scale: 'symmetric' }), 0).inputs.flat();
    expect(symmetric[0]).toBe(-1);
    expect(symmetric[27]).toBeCloseTo(243 / 127.5 - 1, 6);
    expect(epoch(batches(split, { batchSize: 7, scale: 'none' }), 0).inputs.flat()).toEqual([
      ...split.inputs,
    ]);
    const flat = batches(split, { batchSize: 3, shape: [4], dropRemainder: true });
    expect(flat.stepsPerEpoch).toBe(2);
    expect(epoch(flat, 0).shapes).toEqual(['3,4 float32 3,3 float32', '3,4 float32 3,3 float32']);
  });

  it('takes examples of any size', () => {
    for (const stride of [1, 3, 5, 9]) {
      const inputs = Uint8Array.from({ length: 4 * stride }, (_, i) => i);
      const odd: Split = { size: 4, inputShape: [stride], classCount: 2, inputs, labels: new Uint8Array(4) };
      expect(epoch(batches(odd, { batchSize: 3, scale: 'none' }), 0).inputs.flat()).toEqual([...inputs]);
    }
  });

  it('takes floats as they are', () => {
    const floats: Split = { ...split, inputs: Float32Array.from({ length: 28 }, (_, i) => i - 14) };
    expect(epoch(batches(floats, { batchSize: 5 }), 0).inputs.flat()).toEqual([...floats.inputs]);
    expect(() => batches(floats, { batchSize: 5, scale: 'unit' })).toThrow('is for bytes');
  });

  it('leaves no tensor behind, even when an epoch is left early', () => {
    const before = tf.memory().numTensors;
    const source = batches(split, { batchSize: 2, shuffle: 0, augment: { shift: 1 } });
    for (const { inputs, labels } of source.batches(0)) {
      tf.dispose([inputs, labels]);
      break;
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what it cannot honour', () => {
    const refused = (options: object, message: string): void =>
      expect(() => batches(split, { batchSize: 2, ...options } as BatchOptions)).toThrow(message);
    refused({ batchsize: 3 }, 'Did you mean "batchSize"?');
    refused({ batchSize: 0 }, 'batchSize is 0');
    refused({ shuffle: 1.5 }, 'shuffle is 1.5');
    refused({ scale: 'unti' }, 'Did you mean "unit"?');
    refused({ shape: [5] }, 'shape [5] has 5 elements');
    refused({ augment: { shift: -1 } }, 'shift is -1');
    refused({ augment: { rotate: 1 } }, 'unknown option "rotate"');
    expect(() => batches({ ...split, classCount: 2 }, { batchSize: 2 })).toThrow('classCount = 2');
    expect(() => batches({ ...split, size: 8 }, { batchSize: 2 })).toThrow('says 8 examples');
  });
});

describe('augment', () => {
  const images: Split = {
    size: 300,
    inputShape: [5, 6, 2],
    classCount: 2,
    // The only light pixels: (2, 3) holds (200, 100).
    inputs: Uint8Array.from({ length: 300 * 60 }, (_, i) => (i % 60 === 30 ? 200 : i % 60 === 31 ? 100 : 0)),
    labels: new Uint8Array(300),
  };

  it('moves whole images, evenly over all shifts; what moves in is background', () => {
    const source = batches(images, { batchSize: 64, shuffle: 1, scale: 'symmetric', augment: { shift: 1 } });
    const places = new Map<string, number>();
    for (let number = 0; number < 6; number++) {
      for (const row of epoch(source, number).inputs) {
        const light = row.flatMap((value, i) => (value > -1 ? [i] : []));
        expect(light).toHaveLength(2);
        expect(light[1]).toBe(light[0] + 1);
        expect(row[light[0]]).toBeCloseTo(200 / 127.5 - 1, 6);
        const [y, x] = [Math.floor(light[0] / 12), (light[0] % 12) / 2];
        places.set(`${y},${x}`, (places.get(`${y},${x}`) ?? 0) + 1);
      }
    }
    expect([...places.keys()].sort()).toEqual([
      '1,2',
      '1,3',
      '1,4',
      '2,2',
      '2,3',
      '2,4',
      '3,2',
      '3,3',
      '3,4',
    ]);
    for (const count of places.values()) expect(Math.abs(count - 200)).toBeLessThan(60); // sd 13.3
  });

  it('depends on seed, epoch and example only, not on the batch', () => {
    const rows = (batchSize: number, number: number): number[][] => {
      const source = batches(images, { batchSize, augment: { shift: 2, seed: 9 } });
      return epoch(source, number).inputs;
    };
    expect(rows(7, 3)).toEqual(rows(300, 3));
    expect(rows(7, 3)).not.toEqual(rows(7, 4));
  });

  it('does not touch the data itself', () => {
    const before = images.inputs.slice();
    epoch(batches(images, { batchSize: 50, augment: { shift: 2 } }), 0);
    expect(images.inputs).toEqual(before);
  });
});
