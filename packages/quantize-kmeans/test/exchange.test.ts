import '@tensorflow/tfjs-backend-cpu';
import { dequantize, once, type Parameter, type QuantizedTensor, Run, randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { bestLevels } from '../src/best-step.js';
import { chooseLevels, type Levels, type Signal } from '../src/choose-levels.js';
import { type RateDistortionOptions, rateDistortion } from '../src/index.js';
import { emptyBits, ratesOf } from '../src/rate-model.js';

/** A convolution of 27 x 10 and a dense layer of 10 x 9, of other sizes and with zeros. */
function model(): Run {
  const run = new Run(
    tfl.sequential({
      layers: [
        tfl.layers.conv2d({ name: 'c', filters: 10, kernelSize: 3, inputShape: [3, 3, 3], useBias: false }),
        tfl.layers.flatten(),
        tfl.layers.dense({ name: 'd', units: 9, useBias: false }),
      ],
    }),
  );
  for (const [i, { variable, shape, size }] of run.parameters.entries()) {
    const draw = randomUniform(i + 1);
    const values = Float32Array.from({ length: size }, () =>
      draw() < 0.3 ? 0 : (i + 1) * 4 * (draw() - 0.5) ** 3,
    );
    tf.tidy(() => variable.assign(tf.tensor(values, shape as number[])));
  }
  return run;
}

const valuesOf = ({ variable }: Parameter): Float32Array => variable.dataSync() as Float32Array;

/** The weights other than 0 of a kernel as a matrix of its last axis, by hand. */
function signalOf(parameter: Parameter, importance: ((i: number) => number) | undefined): Signal {
  const columns = parameter.shape.at(-1) as number;
  const values = valuesOf(parameter);
  const its = [...values.keys()].filter((i) => values[i] !== 0);
  const energy = its.reduce((sum, i) => sum + values[i] ** 2, 0);
  return {
    shape: { rows: values.length / columns, columns },
    rows: Uint32Array.from(its, (i) => Math.floor(i / columns)),
    columns: Uint32Array.from(its, (i) => i % columns),
    values: Float32Array.from(its, (i) => values[i]),
    weights: Float32Array.from(its, (i) => importance?.(i) ?? its.length / energy),
  };
}

/** What one bit may cost where lambda is 1: the mean energy of the weights of all kernels. */
function unit(signals: readonly Signal[]): number {
  const all = signals.flatMap(({ values, weights }) => Array.from(values, (x, j) => weights[j] * x * x));
  return all.reduce((a, b) => a + b) / all.length;
}

async function quantized(run: Run, options: RateDistortionOptions): Promise<Map<Parameter, QuantizedTensor>> {
  const { quantize } = await rateDistortion(options).start(run, run.parameters);
  return quantize(once());
}

/** Values with these levels, zeros where there were zeros. */
function restored({ size }: Parameter, { shape, rows, columns }: Signal, { levels, points, top }: Levels) {
  const values = new Float32Array(size);
  for (const [j, level] of levels.entries()) {
    values[rows[j] * shape.columns + columns[j]] = points[level + top];
  }
  return values;
}

const places = (i: number): number => 0.5 + ((7 * i) % 11);

describe('rateDistortion', () => {
  it.each([
    ['none', undefined, 'uniform'],
    ['none', undefined, 'centroid'],
    [(p: Parameter) => Float32Array.from({ length: p.size }, (_, i) => places(i)), places, 'centroid'],
  ] as const)(
    'has the levels of all kernels at one exchange rate, importance %s',
    async (importance, by, reconstruction) => {
      const lambda = 0.02;
      for (const step of [0.03, undefined]) {
        const run = model();
        const signals = run.parameters.map((p) => signalOf(p, by));
        const exchange = lambda * unit(signals);
        const tensors = await quantized(run, { importance, lambda, reconstruction, ...(step && { step }) });
        expect(tensors.size).toBe(2);
        for (const [i, [parameter, tensor]] of [...tensors].entries()) {
          const expected =
            step === undefined
              ? bestLevels(signals[i], exchange, reconstruction)
              : chooseLevels(signals[i], step, { lambda: exchange, reconstruction, rounds: 20 });
          expect([...dequantize(tensor)]).toEqual([...restored(parameter, signals[i], expected)]);
          expect(tensor.fixed).toEqual([tensor.codebook.indexOf(0)]);
          expect(new Set(tensor.codebook).size).toBeGreaterThan(4);
          expect([...tensor.codebook]).toEqual([...tensor.codebook].sort((a, b) => a - b));
        }
      }
    },
  );

  describe('within bytes', () => {
    const options = { importance: 'none', step: 0.03, reconstruction: 'uniform' } as const;
    const given = async (bytes: number): Promise<number> => {
      const run = model();
      const signals = run.parameters.map((p) => signalOf(p, undefined));
      const tensors = await quantized(run, { ...options, bytes });
      // Levels that no longer change have the rates of their own.
      const bits = [...tensors.values()].map((tensor, i) => {
        const { rows, columns, shape, values } = signals[i];
        const near = dequantize(tensor);
        const top = Math.round(Math.max(...values.map(Math.abs)) / Math.fround(0.03));
        const levels = Int16Array.from(values, (_, j) =>
          Math.round(near[rows[j] * shape.columns + columns[j]] / 0.03),
        );
        const rates = ratesOf(signals[i], levels, top, 0);
        return levels.reduce(
          (sum, l, j) =>
            l === 0
              ? sum
              : sum + rates.rowBits[rows[j]] + rates.columnBits[columns[j]] + rates.levelBits[l + top],
          emptyBits(rates),
        );
      });
      return bits.reduce((a, b) => a + b) / 8;
    };

    it.each([40, 60, 100])('takes %i bytes, nearly all of them', async (bytes) => {
      const size = await given(bytes);
      expect(size).toBeLessThanOrEqual(bytes);
      expect(size).toBeGreaterThan(0.97 * bytes);
    });

    it('is as fine as the step lets it be where there is room for all', async () => {
      const run = model();
      const tensors = await quantized(run, { ...options, bytes: 1e6 });
      const step = Math.fround(0.03);
      for (const [p, tensor] of tensors) {
        const rounded = valuesOf(p).map((x) => Math.round(x / step) * step + 0);
        expect([...dequantize(tensor)]).toEqual([...rounded]);
      }
    });

    it('is refused where there is room for nothing, and where nothing is worth a bit', async () => {
      const run = model();
      const count = run.parameters.reduce((n, p) => n + valuesOf(p).filter((x) => x !== 0).length, 0);
      const message = (asked: string): string =>
        `rateDistortion: ${asked} would make all ${count} weights of c/kernel, d/kernel zero`;
      for (const [own, asked] of [
        [{ bytes: 1 }, '1 bytes'],
        [{ lambda: 1e6 }, 'lambda 1000000'],
      ] as const)
        await expect(quantized(run, { ...options, ...own })).rejects.toMatchObject({
          code: 'invalid-option',
          message: expect.stringContaining(message(asked)),
        });
    });
  });

  it('leaves a kernel of zeros, and one that is not worth a bit beside another', async () => {
    const run = model();
    const [c, d] = run.parameters;
    tf.tidy(() => c.variable.assign(tf.mul(c.variable, 1e-6)));
    const importance = (p: Parameter): Float32Array => new Float32Array(p.size).fill(1);
    const tensors = await quantized(run, { importance, lambda: 0.05 });
    expect([...tensors.get(c)!.codebook]).toEqual([0]);
    expect(tensors.get(d)!.codebook.length).toBeGreaterThan(2);
    for (const p of [c, d]) tf.tidy(() => p.variable.assign(tf.zerosLike(p.variable)));
    for (const tensor of (await quantized(run, { importance: 'none' })).values())
      expect([...tensor.codebook]).toEqual([0]);
  });

  it('leaves what is shared already', async () => {
    const run = model();
    const { quantize } = await rateDistortion({ importance: 'none' }).start(run, run.parameters);
    const first = await quantize(once());
    const [c, d] = run.parameters;
    run.share(c, first.get(c)!);
    expect([...(await quantize(once())).keys()]).toEqual([d]);
    run.share(d, first.get(d)!);
    expect((await quantize(once())).size).toBe(0);
  });

  it('says which weight is not finite', async () => {
    const run = model();
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const [c] = run.parameters;
      const values = valuesOf(c).slice();
      values[17] = bad;
      tf.tidy(() => c.variable.assign(tf.tensor(values, c.shape as number[])));
      await expect(quantized(run, { importance: 'none' })).rejects.toMatchObject({
        code: 'not-finite',
        message: expect.stringContaining('Weight 17 of c/kernel'),
      });
    }
  });

  it('takes the bounds of its options', () => {
    for (const options of [{ lambda: Number.MIN_VALUE }, { bytes: 1 }, { step: Number.MIN_VALUE }])
      expect(() => rateDistortion(options)).not.toThrow();
    for (const options of [{ lambda: 0 }, { bytes: 0 }, { bytes: 0.5 }, { step: 0 }])
      expect(() => rateDistortion(options)).toThrow();
  });
});
