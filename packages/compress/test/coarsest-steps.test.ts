import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { examplesFor } from '../src/calibrate/calibration-inputs.js';
import type { Rounded } from '../src/choose/quantize.js';
import type { Bench } from '../src/fidelity/bench.js';
import type { Examples, Executable, InputSpec } from '../src/model/model.js';
import type { Tensors } from '../src/model/tensors.js';
import { type Plan, planAlone, planPlain } from '../src/plan/tensor-plan.js';
import { aimOf } from '../src/search/aim.js';
import { coarsestSteps } from '../src/search/coarsest-steps.js';
import { processorSeconds, Work } from '../src/time-budget.js';
import { numbers, weightOf } from './plans.js';

beforeAll(() => tf.ready());

const forever = (): Work => new Work(Number.POSITIVE_INFINITY);

describe('the coarsest steps', () => {
  const values = (seed: number): Float32Array => numbers(1024, seed);
  const felt = (name: string, seed: number, each: number): Plan =>
    planPlain(weightOf(name, [32, 32], values(seed)), values(seed), new Float64Array(1024).fill(each));
  const alone = (reached: number): Plan =>
    planAlone(weightOf('alone', [32, 32], values(9)), values(9), reached);

  /** A bench on which the outputs' error is so many times what importances say; what is alone does not count. */
  const benchOf = (plans: readonly Plan[], times: number): Bench => {
    const error = (rounded: ReadonlyMap<string, Rounded>): number =>
      plans.reduce(
        (sum, { weight, unreached }) => sum + (unreached ? 0 : (rounded.get(weight.name)?.error ?? 0)),
        0,
      );
    const psnr = async (_: Executable, rounded: ReadonlyMap<string, Rounded>) =>
      -10 * Math.log10(times * error(rounded));
    return {
      psnr,
      figure: psnr,
      error: async (_: Executable, rounded: ReadonlyMap<string, Rounded>) => error(rounded),
    } as unknown as Bench;
  };
  const model = {
    inputs: [{ name: 'x', shape: [-1, 1], dtype: 'float32' }],
    run: async () => [tf.zeros([1])],
  } as unknown as Executable;
  const tensors = {
    // Each weight takes as many bits as its greatest level.
    encode: (rounded: ReadonlyMap<string, Rounded>) => {
      let bits = 0;
      for (const { values: own, grid } of rounded.values()) {
        const most = own.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        bits += own.length * Math.log2(1 + most / (grid?.step ?? 1));
      }
      return new Uint8Array(Math.ceil(bits / 8));
    },
  } as unknown as Tensors;
  const search = async (plans: readonly Plan[], options: { quality?: number; bits?: number }, times = 1) => {
    const x = tf.zeros([1, 1]);
    const elements = plans.reduce((n, { values: own }) => n + own.length, 0);
    const lines: string[] = [];
    const found = await coarsestSteps(
      plans,
      model,
      tensors,
      benchOf(plans, times),
      [x],
      aimOf(options, elements),
      { ...options, log: (line) => lines.push(line) },
      forever(),
    );
    x.dispose();
    return { ...found, lines, rounded: found.roundedAt(found.fineness) };
  };
  /** In dB, in units of the tensor's mean square. */
  const relative = (plan: Plan, rounded: ReadonlyMap<string, Rounded>): number => {
    const own = rounded.get(plan.weight.name)?.values as Float32Array;
    const [noiseOf, signal] = [0, 1].map((k) =>
      plan.values.reduce((sum, v, i) => sum + (k ? v : v - (own[i] as number)) ** 2, 0),
    ) as [number, number];
    return 10 * Math.log10(signal / noiseOf);
  };

  test.each([1, 100])(
    'meet a quality by at most a quarter of a decibel, whether or not the first guess is right (%d times the error)',
    async (times) => {
      const plans = [felt('a', 1, 1e-3), felt('b', 2, 4e-3)];
      const { trials, fineness } = await search(plans, { quality: 40 }, times);
      const figures = trials.filter((trial) => trial.fineness === fineness).map(({ figure }) => figure);
      expect(figures[0]).toBeGreaterThanOrEqual(40);
      expect(figures[0]).toBeLessThan(40.3);
      // All of 2048 weights err as fineness^2 / 12 each.
      expect(fineness / Math.sqrt((12 * 10 ** -4) / 2048 / times)).toBeCloseTo(1, 1);
      expect(trials.length).toBeLessThanOrEqual(5);
      const [a, b] = plans.map(({ wish }) => wish.grid(fineness).step) as [number, number];
      expect(a / b).toBeCloseTo(2, 1);
    },
  );

  test.each([1, 100, 0.01, 1e-4])(
    'of what no output feels leave the relative error of what is felt, but 12 dB to the aim (%d times the error)',
    async (times) => {
      const plans = [felt('a', 1, 1e-3), alone(1024)];
      const { rounded } = await search(plans, { quality: 40 }, times);
      const meanSquare = numbers(1024, 1).reduce((sum, v) => sum + v * v, 0) / 1024;
      // All 1024 of a err as 1e-4 / times in all, each by 1e-3 of its square.
      const wanted = 10 * Math.log10((meanSquare * 1024 * 1e-3 * times) / 1e-4);
      expect(wanted).toBeGreaterThan(times === 1e-4 ? -10 : 12);
      const found = relative(plans[1] as Plan, rounded);
      expect(Math.abs(found - Math.max(12, Math.min(40, wanted)))).toBeLessThan(1);
    },
  );

  test('of nothing that is felt need no search', async () => {
    const plans = [alone(0)];
    const { trials, rounded } = await search(plans, { quality: 30 });
    expect(trials).toEqual([]);
    expect(relative(plans[0] as Plan, rounded)).toBeGreaterThan(29);
    expect(relative(plans[0] as Plan, rounded)).toBeLessThan(31);
  });

  test('meet a size, of what is not felt too', async () => {
    for (const plans of [[felt('a', 1, 1e-3), felt('b', 2, 1e-3)], [alone(0)]]) {
      const elements = plans.length * 1024;
      const { trials, rounded, lines } = await search(plans, { bits: 4 });
      const bytes = tensors.encode(rounded, 4).length;
      expect(bytes).toBeLessThanOrEqual(elements / 2);
      expect(bytes).toBeGreaterThan((0.98 * elements) / 2);
      expect(trials.at(-1)?.figure).toBeGreaterThan(100);
      expect(lines.filter((line) => line.endsWith('bytes')).length).toBe(trials.length);
    }
  });
});

describe('inputs to calibrate with', () => {
  const spec = (shape: readonly number[]): InputSpec => ({ name: 'x', shape, dtype: 'float32' });
  const modelOf = (shape: readonly number[], seconds = 0): Executable =>
    ({
      inputs: [spec(shape)],
      weights: new Map(),
      run: async ([x]: Examples) => {
        const until = processorSeconds() + seconds;
        while (processorSeconds() < until);
        return [tf.clone(x as tf.Tensor)];
      },
    }) as unknown as Executable;
  const rows = (batches: readonly Examples[]): number[] => batches.map(([x]) => x?.shape[0] as number);
  const examples = (n: number) => [tf.tensor2d(Array.from({ length: n }, (_, i) => [i]))];

  test('are given ones: a quarter apart, in batches of eight or as asked for', async () => {
    const given = examples(40);
    const made: tf.Tensor[] = [];
    const found = await examplesFor(modelOf([-1, 1]), { calibration: given }, forever(), made);
    expect([rows(found.batches), rows(found.validation), found.measuredOn]).toEqual([
      [8, 8, 8, 6],
      [8, 2],
      'given inputs',
    ]);
    expect([...(found.validation[0]?.[0]?.dataSync() ?? [])]).toEqual([30, 31, 32, 33, 34, 35, 36, 37]);
    tf.dispose(made);
    expect(given[0]?.isDisposed).toBe(false);
    const two = await examplesFor(modelOf([-1, 1]), { calibration: given, batchSize: 20 }, forever(), made);
    expect([rows(two.batches), rows(two.validation)]).toEqual([[20, 10], [10]]);
    const apart = await examplesFor(
      modelOf([-1, 1]),
      { calibration: given, validation: examples(3) },
      forever(),
      made,
    );
    expect([rows(apart.batches), rows(apart.validation)]).toEqual([[8, 8, 8, 8, 8], [3]]);
    const few = await examplesFor(modelOf([-1, 1]), { calibration: examples(3) }, forever(), made);
    expect([rows(few.batches), rows(few.validation)]).toEqual([[3], [3]]);
    tf.dispose([...made, ...given]);
  });

  test('are made of a function, or sixteen of them, and disposed by whoever asked', async () => {
    const made: tf.Tensor[] = [];
    const { numTensors } = tf.memory();
    const asked: (readonly InputSpec[])[] = [];
    const source = (inputs: readonly InputSpec[]) => {
      asked.push(inputs);
      return examples(16);
    };
    const own = await examplesFor(
      modelOf([-1, 1]),
      { calibration: source, validation: source },
      forever(),
      made,
    );
    expect([rows(own.batches), rows(own.validation), asked.length]).toEqual([[8, 8], [8, 8], 2]);
    const noises = await examplesFor(modelOf([-1, 5]), {}, forever(), made);
    expect([rows(noises.batches), rows(noises.validation), noises.measuredOn]).toEqual([
      [8, 4],
      [4],
      'made-up inputs',
    ]);
    const fewer = await examplesFor(modelOf([-1, 5]), { sample: { count: 4 } }, forever(), made);
    expect([rows(fewer.batches), rows(fewer.validation)]).toEqual([[3], [1]]);
    const pictures = await examplesFor(modelOf([-1, 8, 8, 3]), {}, forever(), made);
    expect(pictures.measuredOn).toBe('photographs and made-up pictures');
    // On our own photographs the worst output counts; of what is given, and of noise, all.
    expect([own.worst, noises.worst, pictures.worst]).toEqual([false, false, true]);
    const two = examples(2);
    const mixed = await examplesFor(modelOf([-1, 1]), { validation: two }, forever(), made);
    expect(mixed.measuredOn).toBe('given inputs');
    tf.dispose(made);
    tf.dispose(two);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('are in smaller batches, and fewer in a gradient, where kernels write much', async () => {
    const made: tf.Tensor[] = [];
    const given = examples(40);
    /** Each example makes so many numbers on the way. */
    const writing = (elements: number): Executable =>
      ({
        ...modelOf([-1, 1]),
        run: async ([x]: Examples, _: unknown, after?: (call: object, outputs: object[]) => void) => {
          after?.({}, [{ size: (elements - 1) * (x?.shape[0] ?? 0) }, { size: x?.shape[0] }]);
          return [tf.clone(x as tf.Tensor)];
        },
      }) as unknown as Executable;
    const sizes = async (elements: number, seconds: number): Promise<[number[], number]> => {
      const work = new Work(seconds);
      const { batches } = await examplesFor(writing(elements), { calibration: given }, work, made);
      return [rows(batches), work.gradientExamples];
    };
    // 2^27 numbers in a pass, 2^26 in one that is kept.
    expect(await sizes(2 ** 25, 1e9)).toEqual([[4, 4, 4, 4, 4, 4, 4, 2], 2]);
    expect(await sizes(2 ** 24, 1e9)).toEqual([[8, 8, 8, 6], 4]);
    expect((await sizes(2 ** 28, 1e9))[0].length).toBe(30);
    expect((await sizes(2 ** 28, 1e9))[1]).toBe(1);
    expect(await sizes(2 ** 25, Number.POSITIVE_INFINITY)).toEqual([[8, 8, 8, 6], Number.POSITIVE_INFINITY]);
    tf.dispose([...made, ...given]);
  });

  test('are fewer where a pass takes long, eight at least, and gradients of as few as there is time for', async () => {
    const made: tf.Tensor[] = [];
    // Three tenths of the time for five passes each: of 0.02 s in 6 s are that 18, in fours 16; and 60 passes of a gradient
    // in a fifth, one.
    const work = new Work(6);
    const { batches, validation } = await examplesFor(
      modelOf([-1, 5], 0.02),
      { sample: { count: 100 } },
      work,
      made,
    );
    const count = [...rows(batches), ...rows(validation)].reduce((a, b) => a + b, 0);
    expect(count).toBeLessThanOrEqual(16);
    expect(count).toBeGreaterThanOrEqual(8);
    expect(work.gradientExamples).toBe(1);
    const quick = new Work(1000);
    await examplesFor(modelOf([-1, 5]), { sample: { count: 20 } }, quick, made);
    expect(quick.gradientExamples).toBeGreaterThan(1000);
    tf.dispose(made);
  });
});
