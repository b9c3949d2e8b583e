import '@tensorflow/tfjs-backend-cpu';
import {
  createTrainer,
  dequantize,
  hash,
  once,
  type PluginState,
  Run,
  randomUniform,
  type Trainer,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { chooseLevels, type Signal } from '../src/choose-levels.js';
import { kmeans, optimalCodebook, type RateDistortionOptions, rateDistortion } from '../src/index.js';
import { emptyBits, type MatrixShape, matrixShape, type Places, ratesOf } from '../src/rate-model.js';

/** Laplacian numbers: what trained weights look like. */
const laplace = (n: number, seed: number): Float32Array => {
  const draw = randomUniform(seed);
  return Float32Array.from({ length: n }, () => -Math.log(1 - draw()) * (draw() < 0.5 ? -0.1 : 0.1));
};

const entropy = (symbols: ArrayLike<number>): number => {
  const counts = new Map<number, number>();
  for (let i = 0; i < symbols.length; i++) counts.set(symbols[i], (counts.get(symbols[i]) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / symbols.length);
  return bits;
};

const squaredError = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let error = 0;
  for (let i = 0; i < a.length; i++) error += (a[i] - b[i]) ** 2;
  return error;
};

function denseRun(values: Float32Array, inputs: number): Run {
  const units = values.length / inputs;
  const run = new Run(
    tfl.sequential({
      layers: [tfl.layers.dense({ name: 'fc', units, inputShape: [inputs], useBias: false })],
    }),
  );
  run.parameters[0].variable.assign(tf.tensor(values, [inputs, units]));
  return run;
}

async function quantized(values: Float32Array, options: RateDistortionOptions, inputs = 50) {
  const run = denseRun(values, inputs);
  const { quantize } = await rateDistortion(options).start(run, run.select());
  const [tensor] = (await quantize(once())).values();
  return { tensor, values: dequantize(tensor) };
}

/** All elements of a matrix. */
const placesOf = (elements: ArrayLike<number>, shape: MatrixShape): Places => ({
  shape,
  rows: Uint32Array.from(elements, (_, i) => Math.floor(i / shape.columns)),
  columns: Uint32Array.from(elements, (_, i) => i % shape.columns),
});

describe('ratesOf', () => {
  const bitsOf = (shape: { rows: number; columns: number }, levels: Int16Array): number => {
    const places = placesOf(levels, shape);
    const rates = ratesOf(places, levels, 3, 0);
    let bits = emptyBits(rates);
    levels.forEach((level, i) => {
      const { rows, columns } = places;
      if (level !== 0)
        bits += rates.rowBits[rows[i]] + rates.columnBits[columns[i]] + rates.levelBits[level + 3];
    });
    return bits;
  };

  it('agrees with the entropy of independent levels', () => {
    const draw = randomUniform(1);
    const levels = Int16Array.from({ length: 40000 }, () =>
      draw() < 0.9 ? 0 : (draw() < 0.5 ? -1 : 1) * (1 + Math.floor(3 * draw() ** 3)),
    );
    const bits = bitsOf({ rows: 200, columns: 200 }, levels);
    expect(Math.abs(bits / entropy(levels) - 1)).toBeLessThan(0.02);
    expect(bitsOf({ rows: 2, columns: 20000 }, levels) / entropy(levels)).toBeCloseTo(1, 2);
  });

  it('knows that an empty line is nearly free', () => {
    const draw = randomUniform(2);
    const half = Int16Array.from({ length: 40000 }, (_, i) => (i % 200 < 100 && draw() < 0.2 ? 1 : 0));
    const spread = Int16Array.from({ length: 40000 }, () => (draw() < 0.1 ? 1 : 0));
    const shape = { rows: 200, columns: 200 };
    expect(bitsOf(shape, half)).toBeLessThan(0.85 * bitsOf(shape, spread));
  });

  it('takes the last axis for the columns', () => {
    expect(matrixShape([3, 3, 8, 16])).toEqual({ rows: 72, columns: 16 });
    expect(matrixShape([10])).toEqual({ rows: 1, columns: 10 });
  });
});

describe('chooseLevels', () => {
  it('costs less than rounding at any exchange rate, and rounds at none', () => {
    const values = laplace(10000, 3);
    const signal: Signal = {
      ...placesOf(values, { rows: 100, columns: 100 }),
      values,
      weights: new Float32Array(values.length).fill(1),
    };
    const step = 0.06;
    const rounded = Int16Array.from(values, (x) => Math.round(x / step));
    const cost = (levels: ArrayLike<number>, points: ArrayLike<number>, lambda: number): number =>
      squaredError(values, points) + lambda * entropy(levels);
    for (const lambda of [1e-4, 1e-3, 1e-2]) {
      const { levels, points, top } = chooseLevels(signal, step, {
        lambda,
        reconstruction: 'uniform',
        rounds: 20,
      });
      const at = Array.from(levels, (l) => points[l + top]);
      const plain = Array.from(rounded, (l) => l * step);
      expect(cost(levels, at, lambda)).toBeLessThan(cost(rounded, plain, lambda));
      for (const l of levels) expect(points[l + top]).toBeCloseTo(l * step, 6);
    }
    const { levels } = chooseLevels(signal, step, { lambda: 1e-12, reconstruction: 'uniform', rounds: 20 });
    // Half a step under 1/2 rounds to 0, and so it does here: nothing else is nearer.
    expect([...levels]).toEqual([...rounded]);
  });
});

describe('rateDistortion', () => {
  it('has less error than k-means at the same entropy', async () => {
    const values = laplace(20000, 4);
    const book = optimalCodebook(values, 8, { keepZero: true });
    const bits = entropy(book.indices);
    const { tensor, values: near } = await quantized(values, { importance: 'none', bytes: bits / 8 }, 200);
    expect(entropy(tensor.indices)).toBeLessThan(bits);
    expect(squaredError(values, near)).toBeLessThan(0.75 * book.inertia);
  });

  it('trades error for bits along lambda', async () => {
    const values = laplace(10000, 5);
    let bits = Number.POSITIVE_INFINITY;
    let error = 0;
    for (const lambda of [0.001, 0.01, 0.05, 0.2]) {
      const result = await quantized(values, { importance: 'none', lambda }, 100);
      const codebook = [...result.tensor.codebook];
      expect(codebook).toEqual(codebook.toSorted((a, b) => a - b));
      expect(result.tensor.fixed).toEqual([codebook.indexOf(0)]);
      expect(entropy(result.tensor.indices)).toBeLessThan(bits);
      expect(squaredError(values, result.values)).toBeGreaterThan(error);
      bits = entropy(result.tensor.indices);
      error = squaredError(values, result.values);
    }
  });

  it('leaves zeros zero and stays within the bytes it is given', async () => {
    const values = laplace(10000, 6).map((x) => (Math.abs(x) < 0.2 ? 0 : x));
    for (const bytes of [300, 600]) {
      const { tensor, values: near } = await quantized(values, { importance: 'none', bytes }, 100);
      values.forEach((x, i) => {
        if (x === 0 && near[i] !== 0) throw new Error(`weight ${i} came to life`);
      });
      expect(entropy(tensor.indices) / 8).toBeGreaterThan(0.85 * bytes);
      expect(entropy(tensor.indices) / 8 + 4 * tensor.codebook.length).toBeLessThan(1.15 * bytes); // zeros gather in rows and columns, which this entropy does not see
    }
  });

  it('makes no model of nothing but zeros without a word', async () => {
    const values = laplace(1000, 6);
    for (const [options, asked] of [
      [{ bytes: 1 }, '1 bytes'],
      [{ lambda: 1000 }, 'lambda 1000'],
    ] as const)
      await expect(quantized(values, { importance: 'none', ...options })).rejects.toMatchObject({
        code: 'invalid-option',
        message: expect.stringContaining(`${asked} would make all 1000 weights of fc/kernel zero`),
      });
    // What was zero before is no fault.
    const { values: still } = await quantized(new Float32Array(1000), { importance: 'none', bytes: 1 });
    expect(still.every((x) => x === 0)).toBe(true);
  });

  it('spends its bits where errors matter', async () => {
    const values = laplace(10000, 7);
    const importance = () => Float32Array.from(values, (_, i) => (i < 3000 ? 0 : i < 6000 ? 0.1 : 10));
    const { values: near } = await quantized(values, { importance, lambda: 0.05 }, 100);
    const part = (from: number, to: number) =>
      squaredError(values.slice(from, to), near.slice(from, to)) /
      squaredError(values.slice(from, to), new Float32Array(to - from));
    expect(near.slice(0, 3000).every((x) => x === 0)).toBe(true);
    expect(part(6000, 10000)).toBeLessThan(0.3 * part(3000, 6000));
  });

  it('keeps to the step and the grid it is told', async () => {
    const values = laplace(2000, 8);
    const { tensor } = await quantized(values, {
      importance: 'none',
      step: 0.125,
      reconstruction: 'uniform',
      lambda: 0.01,
    });
    for (const value of tensor.codebook) expect(Number.isInteger(value / 0.125)).toBe(true);
    expect(tensor.codebook.length).toBeGreaterThan(4);
  });

  it('manages tensors with nothing in them, one value, and vectors', async () => {
    expect((await quantized(new Float32Array(100), { importance: 'none' })).tensor.codebook).toEqual(
      Float32Array.of(0),
    );
    const one = await quantized(new Float32Array(100).fill(0.5), { importance: 'none', lambda: 0.01 });
    expect(one.values.every((x) => Math.abs(x - 0.5) < 1e-6)).toBe(true);
    const run = denseRun(laplace(100, 9), 100);
    const { quantize } = await rateDistortion({ importance: 'none' }).start(run, run.select());
    const tensors = await quantize(once());
    expect(tensors.size).toBe(1);
  });

  it('refuses what it cannot honour', async () => {
    expect(() => rateDistortion({ lamda: 1 } as never)).toThrow(/Did you mean 'lambda'/);
    expect(() => rateDistortion({ lambda: 0 })).toThrow(/lambda is 0/);
    expect(() => rateDistortion({ lambda: 1, bytes: 10 })).toThrow(/both given/);
    expect(() => rateDistortion({ step: -1 })).toThrow(/step is -1/);
    expect(() => rateDistortion({ importance: 'hessian' as never })).toThrow(/hessian/);
    expect(() => rateDistortion({ reconstruction: 'mean' as never })).toThrow(/mean/);
    const values = laplace(100, 1);
    await expect(quantized(values, {})).rejects.toThrow(/needs gradients/);
    await expect(quantized(values, { importance: () => Float32Array.of(1) })).rejects.toThrow(
      /100 finite numbers/,
    );
    values[3] = Number.NaN;
    await expect(quantized(values, { importance: 'none' })).rejects.toThrow(/Weight 3 of fc\/kernel is NaN/);
  });
});

/** Labels from ten of forty inputs: the other thirty have small gradients. */
const data = {
  size: 128,
  stepsPerEpoch: 4,
  *batches(epoch: number) {
    for (let step = 0; step < 4; step++) {
      yield tf.tidy(() => {
        const draw = randomUniform(hash(epoch, step));
        const x = tf.tensor2d(
          Float32Array.from({ length: 32 * 40 }, (_, i) => (draw() - 0.5) * (i % 40 < 10 ? 2 : 0.02)),
          [32, 40],
        );
        return { inputs: x, labels: tf.slice(x, [0, 0], [32, 10]) };
      });
    }
  },
};

describe.each([
  ['rateDistortion', () => rateDistortion({ lambda: 0.05 })],
  ['kmeans', () => kmeans({ clusters: 4, importance: 'fisher' })],
])('%s with importance from gradients', (_, make) => {
  const begin = async (epochs: number, states?: PluginState[]): Promise<{ run: Run; trainer: Trainer }> => {
    const run = denseRun(laplace(400, 10), 40);
    if (states !== undefined) run.load(states[0]);
    const schedules = [{ plugin: make(), parameters: '**' }];
    const options = { data, epochs, loss: 'meanSquaredError' as const, schedules };
    const trainer = await createTrainer(run, options, states?.[1]);
    return { run, trainer };
  };

  it('watches for an epoch, quantises once, then lets the values be fine-tuned', async () => {
    const { run, trainer } = await begin(4);
    const [kernel] = run.parameters;
    await trainer.nextEpoch();
    expect(run.shared(kernel)).toBeUndefined();
    await trainer.nextEpoch();
    const first = run.shared(kernel);
    expect(first).toBeDefined();
    const tensors = tf.memory().numTensors;
    await trainer.nextEpoch();
    expect(run.shared(kernel)?.indices).toEqual(first?.indices);
    expect(run.shared(kernel)?.codebook).not.toEqual(first?.codebook);
    expect(tf.memory().numTensors).toBe(tensors);
    await trainer.finish();
    run.dispose();
  });

  it('resumes to the same values from a checkpoint in between', async () => {
    const whole = await begin(3);
    for (let epoch = 0; epoch < 3; epoch++) await whole.trainer.nextEpoch();
    const half = await begin(3);
    await half.trainer.nextEpoch();
    const states = [await half.run.save(), await half.trainer.save()];
    const again = await begin(3, states);
    for (let epoch = 1; epoch < 3; epoch++) await again.trainer.nextEpoch();
    expect(again.run.shared(again.run.parameters[0])).toEqual(whole.run.shared(whole.run.parameters[0]));
  });

  it('is refused where no gradients can come', async () => {
    await expect(begin(1).then(({ trainer }) => trainer.nextEpoch())).rejects.toThrow(/at least two firings/);
    const run = denseRun(laplace(100, 1), 10);
    run.parameters[0].layer.trainable = false;
    const frozen = new Run(run.model);
    expect(() => make().start(frozen, frozen.parameters)).toThrow(/not trained/);
    expect(() => make().check?.(frozen, frozen.parameters)).toThrow(/not trained/);
  });
});

describe.each([
  ['rateDistortion', () => rateDistortion({ lambda: 0.05, importance: 'posterior' })],
  ['kmeans', () => kmeans({ clusters: 4, importance: 'posterior' })],
])("%s with a posterior's variance as importance", (_, make) => {
  it('does as with 1 / σ² as weights, at the first firing', async () => {
    // The first half, of small weights, may be moved ten times as far.
    const values = laplace(3000, 12).map((x, i) => (i < 1500 ? x / 3 : x));
    const variance = Float32Array.from(values, (_, i) => (i < 1500 ? 0.01 : 0.0001));
    const error = async (even: boolean): Promise<[number, number]> => {
      const run = denseRun(values, 30);
      const [kernel] = run.parameters;
      run.setVariance(kernel, tf.tensor(even ? variance.map(() => 0.001) : variance, [30, 100]));
      await run.quantize(make());
      const near = kernel.variable.dataSync();
      run.dispose();
      const part = (from: number, to: number): number =>
        squaredError(values.slice(from, to), near.slice(from, to));
      return [part(0, 1500), part(1500, 3000)];
    };
    const [[looseEven, tightEven], [loose, tight]] = [await error(true), await error(false)];
    expect(tight).toBeLessThan(0.98 * tightEven);
    expect(loose).toBeGreaterThan(looseEven);
  });

  it('is refused where there is none', async () => {
    const run = denseRun(laplace(100, 1), 10);
    await expect(run.quantize(make())).rejects.toThrow(/fc\/kernel has no posterior/);
  });
});
