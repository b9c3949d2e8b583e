import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gather } from '../src/calibrate/gather-moments.js';
import { sensitivities } from '../src/calibrate/sensitivity.js';
import { compare, peaksOf } from '../src/fidelity/fidelity.js';
import { load } from '../src/model/load.js';
import { readWeights, withValues } from '../src/model/weights.js';
import { Wish } from '../src/plan/steps.js';
import { roundLinear } from '../src/round/compensate.js';
import { factorize } from '../src/round/factor.js';
import { roundPlain, toSteps } from '../src/round/snap.js';
import { aimOf } from '../src/search/aim.js';
import { search } from '../src/search/search.js';
import { Work } from '../src/time-budget.js';
import { foldNormalizations } from '../src/trace/fold-batch-norm.js';
import { rowMajor } from '../src/trace/layout.js';
import { sampled } from '../src/trace/linear-call.js';
import { trace } from '../src/trace/trace.js';
import { artifactsOf, noise, pictureNet } from './models.js';

/** Second moments of features that are strongly correlated. */
function momentsOf(size: number): Float64Array {
  const product = tf.tidy(() => {
    const common = tf.mul(noise([400, 1], 1), tf.ones([1, size - 1]));
    const features = tf.concat([tf.add(common, noise([400, size - 1], 2, 0.2)), tf.ones([400, 1])], 1);
    return tf.div(tf.matMul(features, features, true), 400).dataSync() as Float32Array;
  });
  return Float64Array.from(product);
}

/** Mean squared error of the sums that errors of weights make. */
function errorOf(moments: Float64Array, size: number, errors: (row: number) => number): number {
  let sum = 0;
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) sum += errors(i) * errors(j) * moments[i * size + j];
  return sum;
}

describe('sampled', () => {
  test('takes about as many rows as asked for, and meets all columns of pictures alike', () => {
    const [batch, height, width] = [4, 24, 48];
    const column = tf.range(0, width);
    const pictures = tf.reshape(tf.tile(column, [batch * height]), [-1, 1]) as tf.Tensor2D;
    for (const most of [400, 350, 200, 97]) {
      const seen = [...sampled(pictures, most).dataSync()];
      expect(seen.length).toBeLessThanOrEqual(most);
      expect(seen.length).toBeGreaterThan(0.6 * most);
      const counts = Array.from({ length: width }, (_, x) => seen.filter((y) => y === x).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
    expect(sampled(pictures, 1e6)).toBe(pictures);
  });
});

describe('factorize', () => {
  test('gives back the moments: M transposed, D, M', () => {
    const size = 9;
    const moments = momentsOf(size);
    const { lower, pivots } = factorize(moments, size, 0.1, true);
    const m = (i: number, j: number): number => (i === j ? 1 : j < i ? lower[i * size + j] : 0);
    let energy = 0;
    for (let i = 0; i < size - 1; i++) energy += moments[i * size + i];
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < size; k++) {
        let sum = 0;
        for (let j = 0; j < size; j++) sum += m(j, i) * pivots[j] * m(j, k);
        const damped = i === k && i < size - 1 ? (3e-3 * energy) / (size - 1) : 0;
        const [exact, means] = [
          moments[i * size + k],
          moments[i * size + size - 1] * moments[k * size + size - 1],
        ];
        const believed = i === k || i === size - 1 || k === size - 1 ? exact : 0.9 * exact + 0.1 * means;
        expect(sum).toBeCloseTo(believed + damped, 5);
      }
    }
  });
});

describe('many rows', () => {
  const size = 150;
  const columns = 3;
  const moments = momentsOf(size);

  test('are factorised in blocks as one by one', () => {
    const { lower, pivots } = factorize(moments, size, 0.3, true);
    let energy = 0;
    for (let i = 0; i < size - 1; i++) energy += moments[i * size + i];
    for (const [i, k] of [
      [0, 0],
      [5, 3],
      [70, 2],
      [149, 64],
      [100, 100],
      [148, 148],
      [149, 149],
    ]) {
      let sum = 0;
      const m = (j: number, row: number): number => (row === j ? 1 : row < j ? lower[j * size + row] : 0);
      for (let j = 0; j < size; j++) sum += m(j, i) * pivots[j] * m(j, k);
      const means = moments[i * size + size - 1] * moments[k * size + size - 1];
      const believed =
        i === k || i === size - 1 ? moments[i * size + k] : 0.7 * moments[i * size + k] + 0.3 * means;
      expect(sum).toBeCloseTo(believed + (i === k && i < size - 1 ? (3e-3 * energy) / (size - 1) : 0), 4);
    }
  });

  test('are rounded in blocks as one by one', () => {
    const values = Float32Array.from(noise([(size - 1) * columns], 8).dataSync());
    const steps = new Float64Array(values.length).fill(0.3);
    const factor = factorize(moments, size, 0.1, true);
    const { rounded, wanted, bias } = roundLinear(values, toSteps(steps), rowMajor(size - 1, columns), [
      factor,
    ]);
    for (const j of [0, 1, 63, 64, 65, 127, 128, 148, 149]) {
      for (let c = 0; c < columns; c++) {
        let owed = 0;
        for (let k = 0; k < j; k++) {
          owed += factor.lower[j * size + k] * (values[k * columns + c] - rounded[k * columns + c]);
        }
        if (j === size - 1) expect(bias?.[c]).toBeCloseTo(owed, 4);
        else expect(wanted[j * columns + c] - values[j * columns + c]).toBeCloseTo(owed, 4);
      }
    }
  });
});

describe('rounding', () => {
  test('rows that make up for each other leave far less error than each to the nearest', () => {
    const size = 33;
    const moments = momentsOf(size);
    const columns = 20;
    const values = Float32Array.from(noise([32, columns], 5).dataSync());
    const steps = new Float64Array(values.length).fill(0.5);
    const { rounded, bias } = roundLinear(values, toSteps(steps), rowMajor(32, columns), [
      factorize(moments, size, 0, true),
    ]);
    const plain = roundPlain(values, toSteps(steps));
    for (const value of rounded) expect(value % 0.5).toBeCloseTo(0, 6);
    let [own, nearest] = [0, 0];
    for (let c = 0; c < columns; c++) {
      own += errorOf(moments, size, (i) =>
        i < 32 ? values[i * columns + c] - rounded[i * columns + c] : -(bias?.[c] ?? 0),
      );
      nearest += errorOf(moments, size, (i) =>
        i < 32 ? values[i * columns + c] - plain[i * columns + c] : 0,
      );
    }
    expect(own).toBeLessThan(nearest / 4);
  });

  test('is to the nearest where features have nothing to do with each other', () => {
    const size = 8;
    const moments = new Float64Array(size * size);
    for (let i = 0; i < size; i++) moments[i * size + i] = 1 + i;
    const values = Float32Array.from(noise([7], 5).dataSync());
    const steps = new Float64Array(7).fill(0.3);
    const { rounded } = roundLinear(values, toSteps(steps), rowMajor(7, 1), [
      factorize(moments, size, 0, true),
    ]);
    expect(rounded).toEqual(roundPlain(values, toSteps(steps)));
  });
});

describe('Wish', () => {
  test('spreads the error evenly over the indices of every axis, within the quarters', () => {
    const shape = [64, 32];
    const importance = Float64Array.from(
      { length: 2048 },
      (_, i) => 4 ** (Math.floor(i / 32) % 7) * 9 ** ((i % 32) % 3),
    );
    const wish = new Wish(shape, importance, new Float32Array(2048).fill(1));
    const steps = wish.steps(wish.grid(1));
    const errors = importance.map((w, i) => w * steps[i] ** 2);
    expect(errors.reduce((a, b) => a + b, 0) / 2048).toBeCloseTo(1, 5);
    for (const error of errors) expect(Math.abs(Math.log2(error))).toBeLessThan(0.55);
  });

  test('has one step where that serves as well', () => {
    const wish = new Wish([64, 32], new Float64Array(2048).fill(4), new Float32Array(2048).fill(1));
    expect(wish.grid(1)).toEqual({ step: 0.5, exponents: [undefined, undefined] });
  });

  test('never asks for more levels than are coded well', () => {
    const wish = new Wish([8], new Float64Array(8).fill(1e20), new Float32Array(8).fill(2));
    expect(2 / wish.grid(1e-9).step).toBeLessThan(2 ** 14 + 1);
  });
});

describe('trace', () => {
  test('finds linear operations, biases and normalisations; folding keeps the function', async () => {
    const artifacts = await artifactsOf(pictureNet());
    const weights = readWeights(artifacts);
    const model = await load(artifacts);
    const input = noise([3, 12, 12, 3], 1);
    const found = await trace(model, [input], new Map());
    expect([...found.linear.keys()]).toEqual(['c1/kernel', 'd2/depthwise_kernel', 'c3/kernel', 'out/kernel']);
    expect([...found.biases]).toEqual([
      ['c3/kernel', 'c3/bias'],
      ['out/kernel', 'out/bias'],
    ]);
    expect(found.normalizations.map(({ after }) => after)).toEqual([
      'c1/kernel',
      'd2/depthwise_kernel',
      undefined,
    ]);
    const values = new Map(weights.map(({ name, values }) => [name, values as Float32Array]));
    const biases = foldNormalizations(found, values);
    expect(biases.get('d2/depthwise_kernel')).toBe('n2/beta');
    for (const name of ['n1/gamma', 'n1/moving_mean', 'n1/moving_variance', 'n3/moving_mean']) {
      expect(new Set(values.get(name)).size).toBe(1);
    }
    const folded = await load(withValues(artifacts, weights, values));
    const [before] = await model.run([input]);
    const [after] = await folded.run([input]);
    expect(tf.max(tf.abs(tf.sub(before, after))).dataSync()[0]).toBeLessThan(1e-5);
    tf.dispose([before, after, input]);
    model.dispose();
    folded.dispose();
  });

  test("features' moments say what outputs do: w' H w is the mean square of the sums", async () => {
    const model = await load(await artifactsOf(pictureNet()));
    const input = noise([4, 12, 12, 3], 3);
    const { linear } = await trace(model, [input], new Map());
    const grams = await gather(
      model,
      [[input]],
      linear,
      new Map(),
      new Work(Number.POSITIVE_INFINITY).stage(1),
    );
    const kernel = model.weights.get('c1/kernel') as tf.Tensor4D;
    const squares = tf.tidy(() =>
      tf.mean(tf.square(tf.conv2d(input as tf.Tensor4D, kernel, 1, 'same')), [0, 1, 2]).dataSync(),
    );
    const { size, moments } = grams.get('c1/kernel')?.finish() ?? { size: 0, moments: new Float64Array() };
    const values = kernel.dataSync();
    for (let c = 0; c < 8; c++) {
      expect(errorOf(moments, size, (i) => (i < 27 ? values[i * 8 + c] : 0))).toBeCloseTo(squares[c], 4);
    }
    const taps = model.weights.get('d2/depthwise_kernel')?.dataSync() ?? [];
    const own = grams.get('d2/depthwise_kernel')?.finish() ?? { size: 0, moments: new Float64Array() };
    expect(own.size).toBe(10);
    expect(own.moments.length).toBe(8 * 100);
    expect(taps.length).toBe(72);
    model.dispose();
    input.dispose();
  });

  test('sensitivities are squared derivatives', async () => {
    const model = await load(await artifactsOf(pictureNet()));
    const input = noise([6, 12, 12, 3], 4);
    const found = await sensitivities(model, [[input]], ['out/bias'], [1]);
    // Of softmax: the mean over outputs of (p_i (d_ij - p_j))^2, by random signs.
    const [output] = await model.run([input]);
    const p = output.arraySync() as number[][];
    for (let j = 0; j < 5; j++) {
      let exact = 0;
      for (const row of p)
        for (let i = 0; i < 5; i++) exact += (row[i] * ((i === j ? 1 : 0) - row[j])) ** 2 / 30;
      const estimate = found.get('out/bias')?.[j] ?? 0;
      expect(estimate / exact).toBeGreaterThan(0.2);
      expect(estimate / exact).toBeLessThan(4);
    }
    // Of angles: Fisher's information of a softmax's bias is p (1 - p).
    const angles = await sensitivities(model, [[input]], ['out/bias'], [1], [true]);
    for (let j = 0; j < 5; j++) {
      const exact = p.reduce((sum, row) => sum + (row[j] * (1 - row[j])) / 30, 0);
      const estimate = angles.get('out/bias')?.[j] ?? 0;
      expect(estimate / exact).toBeGreaterThan(0.2);
      expect(estimate / exact).toBeLessThan(4);
    }
    tf.dispose([output, input]);
    model.dispose();
  });
});

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
  });
});

describe('compare', () => {
  test('PSNR, cosine, agreement by hand', () => {
    const original = [{ shape: [2, 2], values: Float32Array.of(1, 0, 0, 1) }];
    const other = [{ shape: [2, 2], values: Float32Array.of(0.9, 0, 0.6, 0.5) }];
    const { psnr, cosine, agreement, meanDifference, maxDifference } = compare(
      original,
      other,
      peaksOf([original[0].values]),
    );
    expect(psnr).toBeCloseTo(-10 * Math.log10((0.01 + 0.36 + 0.25) / 4), 4);
    expect(cosine).toBeCloseTo(1.4 / Math.sqrt(2 * (0.81 + 0.36 + 0.25)), 5);
    expect(agreement).toBe(0.5);
    expect(meanDifference).toBeCloseTo(0.3, 5);
    expect(maxDifference).toBeCloseTo(0.6, 5);
    expect(compare(original, original, [1]).psnr).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('search', () => {
  test('finds the coarsest steps that meet an aim, whatever the slope', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 4, max: 9, noNaN: true }),
        fc.double({ min: 30, max: 60, noNaN: true }),
        async (slope, aim) => {
          const psnr = (fineness: number): number => 20 - slope * Math.log2(fineness);
          const found = await search(
            1e-3,
            {
              meets: (figure) => figure >= aim,
              near: (figure) => figure < aim + 0.25,
              octaves: (figure) => (figure - aim - 0.1) / 6.02,
              better: (a, b) => a > b,
            },
            async (fineness) => psnr(fineness),
          );
          expect(found.met).toBe(true);
          expect(found.figure).toBeGreaterThanOrEqual(aim);
          expect(found.figure).toBeLessThan(aim + 0.6);
        },
      ),
    );
  });

  test('needs few trials where the outputs fall faster than steps let expect', async () => {
    // Measured: 13 dB an octave, where 6.02 are the rule.
    let trials = 0;
    const { aim } = aimOf({ quality: 46 }, 1);
    const found = await search(0.02, aim, async (fineness) => {
      trials++;
      return 20 - 13 * Math.log2(fineness / 0.1);
    });
    expect(found.met).toBe(true);
    expect(found.figure).toBeLessThan(46.25);
    expect(trials).toBeLessThanOrEqual(6);
  });

  test('finds a size in few trials', async () => {
    const elements = 61e6;
    let trials = 0;
    const { aim } = aimOf({ bits: 4.5 }, elements);
    // A normal's entropy falls by a bit an octave, but for what is added where levels are few.
    const bytes = (fineness: number): number => (elements / 8) * (Math.log2(1 + 4.13 / fineness) + 0.02);
    const found = await search(0.0195, aim, async (fineness) => {
      trials++;
      return bytes(fineness);
    });
    expect(found.met).toBe(true);
    expect(found.figure).toBeGreaterThan((0.985 * 4.5 * elements) / 8);
    expect(trials).toBeLessThanOrEqual(5);
  });

  test('does not believe a figure that all others contradict', async () => {
    // Falls by 6 dB an octave, but for one place where rounding happens to be kind.
    const psnr = (fineness: number): number =>
      20 -
      6.02 * Math.log2(fineness) +
      (Math.abs(Math.log2(fineness) + 4.2) < 0.02 ? 12 : Math.sin(1e4 * fineness) / 4);
    const { aim } = aimOf({ quality: 50 }, 1);
    const { met, figure, fineness } = await search(2 ** -4.2, aim, async (f) => psnr(f));
    expect(met).toBe(true);
    expect(figure).toBeGreaterThanOrEqual(50);
    expect(fineness).toBeLessThan(2 ** -4.85);
  });
});
