import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../src/fidelity/bench.js';
import {
  asAngles,
  compare,
  isDistribution,
  joinOutputs,
  type Output,
  peaksOf,
  readOutputs,
  spanOf,
} from '../src/fidelity/fidelity.js';
import type { Executable } from '../src/model/model.js';

beforeAll(() => tf.ready());

const output = (shape: readonly number[], ...values: number[]): Output => ({
  shape,
  values: Float32Array.from(values),
});
const decibels = (noise: number): number => -10 * Math.log10(noise);

describe('compare', () => {
  test('PSNR, cosine, agreement by hand', () => {
    const original = [output([2, 2], 1, 0, 0, 1)];
    const other = [output([2, 2], 0.9, 0, 0.6, 0.5)];
    const peaks = peaksOf(original.map(({ values }) => values));
    const { psnr, cosine, agreement, meanDifference, maxDifference, examples } = compare(
      original,
      other,
      peaks,
    );
    expect(psnr).toBeCloseTo(decibels((0.01 + 0.36 + 0.25) / 4), 4);
    expect(cosine).toBeCloseTo(1.4 / Math.sqrt(2 * (0.81 + 0.36 + 0.25)), 5);
    expect(agreement).toBe(0.5);
    expect(meanDifference).toBeCloseTo(0.3, 5);
    expect(maxDifference).toBeCloseTo(0.6, 5);
    expect(examples).toBe(2);
    const same = compare(original, original, [1]);
    expect([same.psnr, same.cosine, same.meanDifference, same.maxDifference]).toEqual([
      Number.POSITIVE_INFINITY,
      expect.closeTo(1, 12),
      0,
      0,
    ]);
  });

  test('each output in units of its peak, and all alike, whatever their sizes', () => {
    const original = [output([1, 4], 1, 2, 3, 4), output([1], 100)];
    const other = [output([1, 4], 1, 2, 3, 4.5), output([1], 90)];
    const { psnr, meanDifference, maxDifference } = compare(original, other, [2, 50]);
    expect(psnr).toBeCloseTo(decibels(((0.25 / 4) * 0.25 + 100 / 2500) / 2), 5);
    expect(meanDifference).toBeCloseTo(10.5 / 5, 5);
    expect(maxDifference).toBe(10);
  });

  test('of another size every element is a peak off', () => {
    const original = [output([2], 1, 2), output([2], 5, 6)];
    const other = [output([3], 1, 2, 3), output([2], 5, 6)];
    expect(compare(original, other, [1, 1]).psnr).toBeCloseTo(decibels(0.5), 9);
  });

  test('infinities: the same ones differ by nothing, others by everything', () => {
    const [up, down] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const original = [output([3], 1, up, down)];
    expect(compare(original, [output([3], 1.5, up, down)], [1]).psnr).toBeCloseTo(decibels(0.25 / 3), 6);
    for (const broken of [Number.NaN, down, 3]) {
      const { psnr } = compare(original, [output([3], 1, broken, down)], [1]);
      expect(psnr).toBe(Number.NEGATIVE_INFINITY);
    }
    expect(compare(original, [output([3], 1, Number.NaN, down)], [1]).maxDifference).toBeNaN();
  });

  test('zeros agree with zeros; classes are those of rows, the first of equal ones', () => {
    expect(compare([output([2], 0, 0)], [output([2], 0, 0)], [1]).cosine).toBe(1);
    expect(compare([output([2], 0, 0)], [output([2], 1, 0)], [1]).cosine).toBeNaN();
    const rows = compare(
      [output([3, 3], 1, 1, 0, 0, 5, 1, 0, 0, 2)],
      [output([3, 3], 2, 1, 0, 0, 1, 5, 9, 9, 10)],
      [1],
    );
    expect(rows.agreement).toBeCloseTo(2 / 3, 12);
    expect(compare([output([3, 1], 1, 2, 3)], [output([3, 1], 1, 2, 3)], [1])).not.toHaveProperty(
      'agreement',
    );
    expect(compare([output([1, 1, 2], 1, 2)], [output([1, 1, 2], 2, 1)], [1])).not.toHaveProperty(
      'agreement',
    );
    expect(compare([], [], []).examples).toBe(0);
  });
});

describe('what an output spans', () => {
  test('is greatest less least, but no less than a thirty-second of the magnitude', () => {
    expect(spanOf(Float32Array.of(-3, 5, 1))).toEqual({ peak: 8, floored: false });
    expect(spanOf(Float32Array.of(64, 65))).toEqual({ peak: 65 / 32, floored: true });
    expect(spanOf(Float32Array.of(-64, -63))).toEqual({ peak: 2, floored: true });
    expect(spanOf(Float32Array.of(64, 62))).toEqual({ peak: 2, floored: false });
    expect(spanOf(Float32Array.of(7, 7))).toEqual({ peak: 7, floored: true });
    expect(spanOf(Float32Array.of(-7))).toEqual({ peak: 7, floored: true });
    expect(spanOf(new Float32Array(3))).toEqual({ peak: 1, floored: true });
    expect(spanOf(new Float32Array(0))).toEqual({ peak: 1, floored: true });
    const [up, down] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect(spanOf(Float32Array.of(up, 1, Number.NaN, 3, down))).toEqual({ peak: 2, floored: false });
    expect(peaksOf([Float32Array.of(0, 1), Float32Array.of(1, 9)])).toEqual([1, 8]);
  });
});

describe('probabilities', () => {
  test('are rows of two and more that are not negative and make 1', () => {
    expect(isDistribution(output([2, 2], 0.25, 0.75, 1, 0))).toBe(true);
    expect(isDistribution(output([2, 2], 0.25, 0.75, 1.1, -0.1))).toBe(false);
    expect(isDistribution(output([2, 2], 0.25, 0.75, 0.5, 0.498))).toBe(false);
    expect(isDistribution(output([1, 2], 0.5, 0.5005))).toBe(true);
    expect(isDistribution(output([2, 1], 1, 1))).toBe(false);
    expect(isDistribution(output([2], 0.5, 0.5))).toBe(false);
    expect(isDistribution(output([1, 1, 2], 0.5, 0.5))).toBe(false);
    expect(isDistribution(output([1, 2], Number.NaN, 1))).toBe(false);
  });

  test('as angles: 2 sqrt(p), of what is a little below 0 too', () => {
    expect(asAngles(output([1, 3], 0.25, 0.75, -1e-9))).toEqual(output([1, 3], 1, 2 * Math.sqrt(0.75), 0));
  });
});

describe('outputs', () => {
  test('are floats; batches join along the first axis, or one by one where there is none', () => {
    const before = tf.memory().numTensors;
    const read = (n: number): Output[] =>
      readOutputs([tf.fill([n, 2], n), tf.tensor1d([1], 'int32'), tf.scalar(n), tf.tensor1d(['a'])]);
    expect(tf.memory().numTensors).toBe(before);
    expect(joinOutputs([read(1), read(2)])).toEqual([output([3, 2], 1, 1, 2, 2, 2, 2), output([2], 1, 2)]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the bench', () => {
  const w = (value: number): tf.Tensor => tf.tensor1d([value]);

  /** Multiplies its input by weights `a` and `b`; the second output is a probability. */
  function net(a: number, b: number): Executable {
    const weights = new Map([
      ['a', w(a)],
      ['b', w(b)],
    ]);
    return {
      inputs: [{ name: 'x', shape: [-1, 2], dtype: 'float32' }],
      weights,
      before: [],
      waits: false,
      run: async ([x], others) =>
        tf.tidy(() => {
          const [p, q] = ['a', 'b'].map((name) => others?.get(name) ?? (weights.get(name) as tf.Tensor));
          return [
            tf.mul(tf.mul(x as tf.Tensor, p as tf.Tensor), q as tf.Tensor),
            tf.softmax(x as tf.Tensor2D),
          ];
        }),
      dispose: () => tf.dispose([...weights.values()]),
    };
  }

  test('measures models, and weights in place of theirs, twins along with them', async () => {
    const original = net(2, 2);
    const batches = [[tf.tensor2d([0, 1, 0.5, 0.5], [2, 2])], [tf.tensor2d([1, 1], [1, 2])]];
    const before = tf.memory().numTensors;
    const bench = await Bench.of(original, batches, new Map([['b', 'a']]));
    expect(bench.peaks[0]).toBe(4);
    expect(bench.floored).toEqual([]);
    expect(bench.distributions).toEqual([false, true]);
    // Half of it is off everywhere: of 0, 4, 2, 2, 4, 4 that is the mean square 0, 4, 1, 1, 4, 4.
    const half = net(1, 2);
    const { psnr, examples } = await bench.fidelity(half);
    expect(psnr).toBeCloseTo(decibels(14 / 6 / 16 / 2), 4);
    expect(examples).toBe(3);
    half.dispose();
    // With its twin it is a quarter.
    const other = new Map([['a', { values: Float32Array.of(1) }]]);
    const missing = [0, 3, 1.5, 1.5, 3, 3].reduce((sum, d) => sum + d * d, 0) / 6 / 16 / 2;
    expect(await bench.psnr(original, other)).toBeCloseTo(decibels(missing), 4);
    expect(await bench.psnr(original, new Map())).toBe(Number.POSITIVE_INFINITY);
    const [batch] = batches;
    const outputs = readOutputs(await original.run(batch as tf.Tensor[]));
    const first = [0, 3, 1.5, 1.5].reduce((sum, d) => sum + d * d, 0) / 4 / 16 / 2;
    expect(await bench.error(original, other, batch as tf.Tensor[], outputs)).toBeCloseTo(first, 6);
    // Probabilities are angles: what is off is the first output alone.
    const chances = [batch?.[0] as tf.Tensor, tf.tensor2d([0.1, 0.9, 0.2, 0.8], [2, 2])];
    const felt = readOutputs(chances.map((tensor) => tf.clone(tensor)));
    const moved: Executable = {
      ...original,
      run: async () => [tf.clone(chances[0] as tf.Tensor), tf.tensor2d([0.1, 0.9, 0.3, 0.7], [2, 2])],
    };
    const angle =
      (2 * Math.sqrt(0.3) - 2 * Math.sqrt(0.2)) ** 2 + (2 * Math.sqrt(0.7) - 2 * Math.sqrt(0.8)) ** 2;
    const peak = bench.peaks[1] as number;
    expect(await bench.error(moved, new Map(), [], felt)).toBeCloseTo(angle / 4 / peak ** 2 / 2, 6);
    chances[1]?.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const given = await Bench.of(original, batches, new Map(), 8);
    expect([given.peaks, given.floored]).toEqual([[8, 8], []]);
    const flat = await Bench.of(original, [[tf.tensor2d([5, 5], [1, 2])]], new Map());
    expect(flat.floored).toEqual([0, 1]);
  });

  test('puts tensors of their own shapes in, of each its own twins alone', async () => {
    const weights = new Map([
      ['a', tf.zeros([2, 1])],
      ['c', tf.zeros([3])],
    ]);
    const seen: Record<string, unknown>[] = [];
    const model = {
      ...net(1, 1),
      weights,
      run: async (_: readonly tf.Tensor[], others?: ReadonlyMap<string, tf.Tensor>) => {
        seen.push(
          Object.fromEntries([...(others ?? [])].map(([name, t]) => [name, [t.shape, ...t.dataSync()]])),
        );
        return [tf.tensor2d([1, 2], [1, 2])];
      },
    } as unknown as Executable;
    const bench = await Bench.of(model, [[tf.ones([1, 2])]], new Map([['b', 'a']]));
    const own = new Map([
      ['a', { values: Float32Array.of(1, 2) }],
      ['c', { values: Float32Array.of(3, 4, 5) }],
      ['unknown', { values: Float32Array.of(6) }],
    ]);
    expect(await bench.psnr(model, own)).toBe(Number.POSITIVE_INFINITY);
    expect(seen).toEqual([{}, { a: [[2, 1], 1, 2], b: [[2, 1], 1, 2], c: [[3], 3, 4, 5], unknown: [[], 6] }]);
  });

  test('measures the worst output of one example, where that is asked for, and tells the mean beside it', async () => {
    const original = net(2, 1);
    const batches = [[tf.tensor2d([0, 1, 1, 1], [2, 2])], [tf.tensor2d([1, 3], [1, 2])]];
    const all = await (await Bench.of(original, batches, new Map())).fidelity(net(1, 1));
    expect(all).not.toHaveProperty('mean');
    const bench = await Bench.of(original, batches, new Map(), undefined, true);
    const worst = await bench.fidelity(net(1, 1));
    // The last of three errs by 1 and 3, where the outputs span 0 to 6.
    expect(worst.psnr).toBeCloseTo(decibels(10 / 2 / 36), 4);
    expect(worst).toMatchObject({ least: worst.psnr, mean: all.psnr, examples: 3, cosine: all.cosine });
    expect(await bench.psnr(original, new Map([['a', { values: Float32Array.of(1) }]]))).toBeCloseTo(
      worst.psnr,
      5,
    );
  });

  test('counts errors of what is felt in what outputs span for one example, where the worst is asked for', async () => {
    const wide = [
      [
        tf.tensor2d(
          Float32Array.from({ length: 48 }, (_, i) => (i < 32 ? i % 16 : (i % 16) / 4)),
          [3, 16],
        ),
      ],
    ];
    const [mean, worst] = await Promise.all(
      [false, true].map((one) => Bench.of(net(1, 1), wide, new Map(), undefined, one)),
    );
    expect(mean.units).toEqual(mean.peaks);
    // Two examples span 15, one spans 15 / 4; the other output is a probability.
    expect(worst.units[0] / worst.peaks[0]).toBeCloseTo(Math.sqrt(3 / (1 + 1 + 16)), 5);
    expect(worst.units[1]).toBeCloseTo(worst.peaks[1], 9);
    const given = await Bench.of(net(1, 1), wide, new Map(), 8, true);
    expect(given.units.every((unit) => Math.abs(unit - 8) < 1e-9)).toBe(true);
  });

  test('refuses outputs that are no numbers, and models without floats', async () => {
    const model = net(Number.NaN, 1);
    const x = tf.ones([1, 2]);
    await expect(Bench.of(model, [[x]], new Map())).rejects.toMatchObject({ code: 'not-finite' });
    const integers = { ...model, run: async () => [tf.tensor1d([1], 'int32')] };
    await expect(Bench.of(integers, [[x]], new Map())).rejects.toMatchObject({ code: 'cannot-run' });
  });
});
