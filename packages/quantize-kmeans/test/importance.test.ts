import '@tensorflow/tfjs-backend-cpu';
import { type ObservedStep, once, type Parameter, packState, Run, unpackState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkImportance, checkTrained, type Importance, importanceSource } from '../src/importance.js';

let run: Run;
let [kernel, bias]: Parameter[] = [];

beforeEach(() => {
  run = new Run(tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 2, inputShape: [2] })] }));
  [kernel, bias] = run.parameters as Parameter[];
});

type Gradients = Readonly<Record<string, readonly number[]>>;

/** A step of training that has these gradients, by parameter. */
const stepWith = (gradients: Gradients): ObservedStep =>
  ({
    gradient: (p: Parameter) => gradients[p.name] && tf.tensor([...gradients[p.name]], [...p.shape]),
  }) as unknown as ObservedStep;

const source = (
  importance: Importance,
  open = () => run.parameters,
  state?: Parameters<typeof importanceSource>[4],
) => importanceSource('test', importance, run, open, state);

type Source = ReturnType<typeof source>;
const see = ({ hooks }: Source, gradients: Gradients): void =>
  tf.tidy(() => void hooks.observe?.(stepWith(gradients)));

const close = (found: Float32Array | undefined, expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  for (const [i, x] of expected.entries()) expect(found![i] / x).toBeCloseTo(1, 5);
};

const kernels = [
  [1, 0, -2, 3],
  [2, 0.5, 0, -1],
];
/** E[g^2] of the two steps: 5/2, 1/8, 2 and 5. */
const squares = [0, 1, 2, 3].map((i) => (kernels[0][i] ** 2 + kernels[1][i] ** 2) / 2);

describe("importance 'fisher'", () => {
  const seen = (): Source => {
    const made = source('fisher');
    for (const gradient of kernels) see(made, { 'fc/kernel': gradient, 'fc/bias': [1, 1] });
    return made;
  };

  it('is the root of the mean squared gradient, in units of the mean, and a fiftieth of that at least', async () => {
    const mean = (squares[0] + squares[1] + squares[2] + squares[3]) / 4;
    const expected = squares.map((square) => Math.sqrt(square * mean) + 0.02 * mean);
    close(await seen().of(kernel, Float32Array.of(1, 1, 1, 1)), expected);
  });

  it('is in units of the mean of weights that are not 0', async () => {
    const mean = (squares[0] + squares[3]) / 2;
    const expected = squares.map((square) => Math.sqrt(square * mean) + 0.02 * mean);
    close(await seen().of(kernel, Float32Array.of(0.1, 0, 0, -4)), expected);
  });

  it('is alike for all where there is no gradient', async () => {
    const made = source('fisher');
    see(made, { 'fc/kernel': [0, 0, 0, 0] });
    const [first, ...rest] = (await made.of(kernel, Float32Array.of(1, 1, 1, 1))) as Float32Array;
    expect(first).toBeGreaterThanOrEqual(0);
    expect(rest).toEqual([first, first, first]);
    // Nor is it anything else where all weights are 0.
    const zeros = (await made.of(kernel, new Float32Array(4))) as Float32Array;
    expect(zeros.every((x) => x >= 0)).toBe(true);
  });

  it('waits for a gradient as long as there is a firing to come', () => {
    const made = source('fisher');
    const at = (index: number) => ({ ...once(), index, count: 3 });
    expect([0, 1].map((index) => made.waits(at(index)))).toEqual([true, true]);
    expect(() => made.waits(at(2))).toThrow(
      expect.objectContaining({ code: 'invalid-schedule', message: expect.stringContaining('fisher') }),
    );
    see(made, { 'fc/kernel': [1, 1, 1, 1] });
    expect([0, 1, 2].map((index) => made.waits(at(index)))).toEqual([false, false, false]);
  });

  it('is of the parameters that are still to be quantised, and were watched', async () => {
    let open: readonly Parameter[] = [bias];
    const made = source('fisher', () => open);
    see(made, { 'fc/kernel': [1, 1, 1, 1], 'fc/bias': [2, 2] });
    await expect(made.of(kernel, new Float32Array(4))).rejects.toMatchObject({ code: 'bad-plugin' });
    close(await made.of(bias, Float32Array.of(1, 1)), [4.08, 4.08]);
    open = [];
    see(made, { 'fc/bias': [9, 9] });
    close(await made.of(bias, Float32Array.of(1, 1)), [4.08, 4.08]);
    // A parameter without a gradient in a step has one of 0 there.
    open = [bias];
    see(made, {});
    close(await made.of(bias, Float32Array.of(1, 1)), [2.04, 2.04]);
  });

  it('goes on from what it has saved, and leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    const variables = Object.keys(tf.engine().registeredVariables);
    const first = source('fisher');
    see(first, { 'fc/kernel': kernels[0], 'fc/bias': [1, 3] });
    expect(tf.memory().numTensors).toBe(before + 2);
    const state = unpackState(packState({ json: null, ...(await first.hooks.save!()) }));
    const second = source('fisher', () => run.parameters, state);
    expect(second.waits({ ...once(), count: 1 })).toBe(false);
    for (const made of [first, second]) see(made, { 'fc/kernel': kernels[1], 'fc/bias': [1, 1] });
    // No optimizer is to find them.
    const added = Object.entries(tf.engine().registeredVariables).filter(
      ([name]) => !variables.includes(name),
    );
    expect(added.map(([, { trainable }]) => trainable)).toEqual([false, false, false, false]);
    const values = Float32Array.of(1, 1, 1, 1);
    expect(await second.of(kernel, values)).toEqual(await first.of(kernel, values));
    close(await second.of(bias, Float32Array.of(1, 0)), [1.02, Math.sqrt(5) + 0.02]);
    for (const { hooks } of [first, second]) hooks.dispose!();
    expect(tf.memory().numTensors).toBe(before);
    expect(second.waits({ ...once(), count: 2 })).toBe(true);
    await expect(second.of(kernel, values)).rejects.toThrow(/not watched/);
  });

  it.each([{}, { json: null }, { json: { steps: 1 } }, { json: { shapes: [] } }])(
    'refuses the state %j, which has no gradients',
    (state) => {
      expect(() => source('fisher', () => run.parameters, state)).toThrow(
        expect.objectContaining({ code: 'bad-state' }),
      );
    },
  );
});

describe("importance 'posterior'", () => {
  it('is one over the variance', async () => {
    run.setVariance(kernel, tf.tensor2d([0.5, 4, 0, 1e-30], [2, 2]));
    const made = source('posterior');
    expect(made.waits(once())).toBe(false);
    expect(made.hooks).toEqual({});
    close(await made.of(kernel, new Float32Array(4)), [2, 0.25, 1e20, 1e20]);
    await expect(made.of(bias, new Float32Array(2))).rejects.toMatchObject({ code: 'invalid-schedule' });
  });
});

describe('importance by a function', () => {
  it('is what it says of each parameter', async () => {
    const made = source((p) => Float32Array.from({ length: p.size }, (_, i) => i));
    expect(made.waits(once())).toBe(false);
    expect(await made.of(kernel, new Float32Array(4))).toEqual(Float32Array.of(0, 1, 2, 3));
    expect(await made.of(bias, new Float32Array(2))).toEqual(Float32Array.of(0, 1));
  });

  it.each([
    [[1, 1, 1]],
    [[1, 1, 1, 1, 1]],
    [[1, 1, -1, 1]],
    [[1, 1, 1, Number.POSITIVE_INFINITY]],
    [[Number.NaN, 1, 1, 1]],
  ])('refuses %j for four weights', async (numbers) => {
    const made = source(() => Float32Array.from(numbers));
    await expect(made.of(kernel, new Float32Array(4))).rejects.toMatchObject({ code: 'invalid-option' });
  });
});

it("importance 'none' says nothing", async () => {
  const made = source('none');
  expect(made.waits(once())).toBe(false);
  expect(await made.of(kernel, new Float32Array(4))).toBeUndefined();
});

describe('checks', () => {
  it('know the names', () => {
    for (const name of ['fisher', 'posterior', 'none', () => new Float32Array(0)] as const)
      expect(() => checkImportance('test', name)).not.toThrow();
    for (const name of ['Fisher', 1, undefined, null])
      expect(() => checkImportance('test', name as never)).toThrow(/importance is/);
  });

  it('ask for gradients where they are needed', () => {
    run.parameters[0].layer.trainable = false;
    const frozen = new Run(run.model).parameters;
    expect(() => checkTrained('test', 'fisher', frozen)).toThrow(/fc\/kernel is not trained/);
    for (const name of ['posterior', 'none'] as const)
      expect(() => checkTrained('test', name, frozen)).not.toThrow();
    expect(() => checkTrained('test', 'fisher', [])).not.toThrow();
  });
});
