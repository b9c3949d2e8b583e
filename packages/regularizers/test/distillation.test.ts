import '@tensorflow/tfjs-backend-cpu';
import {
  type PluginState,
  type RegularizerSession,
  Run,
  type Running,
  randomUniform,
  resolveLoss,
  type Step,
  seededModel,
  train,
  withLogits,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { kills, type TwoStages, weightsAfter } from '../../core/test/two-stages.js';
import { type DistillationOptions, distillation } from '../src/index.js';

const net = (seed: number): Promise<LayersModel> =>
  seededModel(
    sequential({
      layers: [
        layers.dense({ name: 'hidden', units: 6, activation: 'tanh', inputShape: [3] }),
        layers.dense({ name: 'out', units: 4, activation: 'softmax' }),
      ],
    }),
    seed,
  );

function batch(rows: number, seed: number): { inputs: tf.Tensor; labels: tf.Tensor } {
  const draw = randomUniform(seed);
  const inputs = tf.tensor2d(
    Array.from({ length: rows }, () => [draw(), draw(), draw()].map((x) => 4 * x - 2)),
  );
  const classes = Array.from({ length: rows }, () => Math.floor(4 * draw()));
  return { inputs, labels: tf.tensor2d(classes.map((c) => [0, 1, 2, 3].map((i) => Number(i === c)))) };
}

const logitsOf = (of: LayersModel, inputs: tf.Tensor): tf.Tensor =>
  withLogits(of, () => of.apply(inputs, { training: false }) as tf.Tensor);
const softmax = (x: number[], temperature: number): number[] => {
  const exps = x.map((v) => Math.exp(v / temperature));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((v) => v / sum);
};
const dense = (of: LayersModel): number[] => of.getWeights().flatMap((w) => [...w.dataSync()]);
const stepOf = (student: LayersModel, data: { inputs: tf.Tensor; labels: tf.Tensor }): Step =>
  ({ ...data, outputs: logitsOf(student, data.inputs), onLogits: true }) as never;

/** Distillation at work on a student. */
async function started(
  student: LayersModel,
  options?: DistillationOptions,
  state?: PluginState,
): Promise<Running<RegularizerSession>> {
  return new Run(student).start(distillation(options), state && { state });
}
const penaltyOf = ({ session }: Running<RegularizerSession>, step: Step): tf.Scalar =>
  session.penalty(step) as tf.Scalar;

describe('distillation', () => {
  it.each([
    [3, 0.7, 0.2],
    [4, 0.5, 0.5], // by default
  ])(
    'is soft·T²·KL(teacher ‖ student) + (hard - 1)·CE: with the loss, hard·CE + soft·T²·KL: T %d',
    async (temperature, soft, hard) => {
      const [teacher, student] = [await net(1), await net(2)];
      const data = batch(5, 3);
      const [t, s] = [teacher, student].map((m) => logitsOf(m, data.inputs).arraySync() as number[][]);
      const labels = data.labels.arraySync() as number[][];
      let expected = 0;
      for (let row = 0; row < 5; row++) {
        const [p, q] = [softmax(t[row], temperature), softmax(s[row], temperature)];
        const divergence = p.reduce((sum, pi, i) => sum + pi * Math.log(pi / q[i]), 0);
        const entropy = -labels[row].reduce((sum, y, i) => sum + y * Math.log(softmax(s[row], 1)[i]), 0);
        expected += (soft * temperature ** 2 * divergence + (hard - 1) * entropy) / 5;
      }
      const options = temperature === 4 ? {} : { temperature, soft, hard };
      const running = await started(student, { teacher, ...options });
      expect(penaltyOf(running, stepOf(student, data)).dataSync()[0]).toBeCloseTo(expected, 5);
    },
  );

  it('is 0 for a student that equals its teacher', async () => {
    const teacher = await net(1);
    const running = await started(teacher, { teacher, hard: 1 });
    expect(penaltyOf(running, stepOf(teacher, batch(8, 1))).dataSync()[0]).toBeCloseTo(0, 6);
  });

  it.each([1, 4, 20])(
    'has the gradient of finite differences at T = %d, of the same size at each',
    async (temperature) => {
      const [teacher, student] = [await net(1), await net(2)];
      const data = batch(6, 4);
      const running = await started(student, { teacher, temperature, soft: 1, hard: 0.5 });
      const kernel = new Run(student).parameter('out/kernel');
      const before = tf.memory().numTensors;
      const value = (): tf.Scalar => penaltyOf(running, stepOf(student, data));
      const gradient = tf.tidy(() => [
        ...tf.variableGrads(value, [kernel.variable]).grads[kernel.variable.name].dataSync(),
      ]);
      expect(tf.memory().numTensors).toBe(before);
      const start = [...kernel.variable.dataSync()];
      const h = 1 / 32;
      for (let i = 0; i < start.length; i += 3) {
        const at = (delta: number): number =>
          tf.tidy(() => {
            kernel.variable.assign(
              tf.tensor(
                start.map((w, j) => (i === j ? w + delta : w)),
                [6, 4],
              ),
            );
            return value().dataSync()[0];
          });
        const slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        expect(Math.abs(slope - gradient[i])).toBeLessThan(2e-3 * Math.max(1, Math.abs(slope)));
      }
      const size = Math.hypot(...gradient);
      expect(size).toBeGreaterThan(0.02);
      expect(size).toBeLessThan(2);
    },
  );

  it('takes a copy of the model as its teacher, which stays as it was', async () => {
    const student = await net(5);
    const run = new Run(student, { seed: 1 });
    const before = tf.memory().numTensors;
    const running = await run.start(distillation({ soft: 1, hard: 0 }));
    const start = dense(student);
    const moved = student.getWeights().map((w) => tf.add(w, 0.1));
    student.setWeights(moved);
    const data = batch(8, 6);
    const data1 = { data: { size: 8, stepsPerEpoch: 1, batches: () => [batch(8, 6)] }, epochs: 300 };
    // Imitation alone leads back to what the teacher was.
    await train(run, { ...data1, learningRate: 0.02, schedules: [{ plugin: running }] });
    const state = (await running.save()) as { arrays: Record<string, Float32Array> };
    expect(Object.values(state.arrays).flatMap((a) => [...a])).toEqual(start);
    expect(penaltyOf(running, stepOf(student, data)).dataSync()[0]).toBeLessThan(1e-3);
    running.dispose();
    tf.dispose([moved, data.inputs, data.labels]);
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2); // the penalty and the outputs above
  });

  it('goes on with the teacher it started with, whenever it is killed, and in a second stage', async () => {
    const data = {
      size: 8,
      stepsPerEpoch: 2,
      batches: (epoch: number) => [batch(4, epoch), batch(4, epoch + 50)],
    };
    const stages: TwoStages = {
      run: async () => new Run(await net(5), { seed: 1 }),
      plugin: () => distillation(),
      options: { data, epochs: 2, learningRate: 0.05 },
    };
    const whole = await weightsAfter(stages);
    for (const kill of kills(stages)) expect([kill, await weightsAfter(stages, kill)]).toEqual([kill, whole]);
    expect(await weightsAfter({ ...stages, passOn: false })).not.toEqual(whole);
  });

  it('refuses a state without its teacher, and frees what it had made of it', async () => {
    const student = await net(5);
    const state = await (await started(student)).save();
    const { numTensors } = tf.memory();
    for (const other of [
      {},
      { json: null },
      { json: { sequential: true, config: {} } },
      { json: state.json!, arrays: {} },
      { json: state.json!, arrays: { ...state.arrays, 3: new Float32Array(3) } },
    ]) {
      await expect(started(student, {}, other)).rejects.toMatchObject({ code: 'bad-state' });
    }
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('copies recurrent, nested and functional models', async () => {
    const a = input({ shape: [4, 3] });
    const inner = sequential({ layers: [layers.dense({ units: 4, inputShape: [2] })] });
    const hidden = layers.gru({ units: 2, recurrentInitializer: 'zeros' }).apply(a) as SymbolicTensor;
    const out = layers.softmax().apply(inner.apply(hidden) as SymbolicTensor) as SymbolicTensor;
    const student = model({ inputs: a, outputs: out });
    const running = await started(student, { hard: 1 });
    const inputs = tf.randomNormal([2, 4, 3], 0, 1, 'float32', 1);
    const labels = tf.tensor2d([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ]);
    expect(penaltyOf(running, stepOf(student, { inputs, labels })).dataSync()[0]).toBeCloseTo(0, 6);
    running.dispose();
  });

  it('refuses what it cannot honour', async () => {
    const [teacher, student] = [
      await net(1),
      sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })] }),
    ];
    const data = batch(2, 1);
    const other = await started(student, { teacher });
    expect(() => penaltyOf(other, stepOf(student, data))).toThrow("the student's [2,2]");
    expect(() => distillation({ temperature: 0 })).toThrow('temperature is 0');
    expect(() => distillation({ teacher: {} as never })).toThrow('not a LayersModel');
    expect(() => distillation({ temprature: 2 } as never)).toThrow("Did you mean 'temperature'?");
    const sigmoid = sequential({
      layers: [layers.dense({ units: 2, activation: 'sigmoid', inputShape: [3] })],
    });
    expect(() => distillation().check?.(new Run(sigmoid), [])).toThrow('ends in a sigmoid');
    await expect(started(sigmoid)).rejects.toThrow('ends in a sigmoid');
  });
});

it('of numbers is soft·MSE of teacher and student + (hard - 1)·loss, of outputs of one shape', async () => {
  const line = (weights: number[]): LayersModel => {
    const units = weights.length;
    const of = sequential({ layers: [layers.dense({ units, inputShape: [1], useBias: false })] });
    of.setWeights([tf.tensor2d([weights])]);
    return of;
  };
  const student = line([2]);
  const [inputs, labels] = [tf.tensor2d([[1], [3]]), tf.tensor2d([[1], [7]])];
  const outputs = student.apply(inputs) as tf.Tensor; // 2 and 6
  const step = { inputs, labels, outputs, losses: [resolveLoss('meanAbsoluteError', student)] } as never;
  const taught = await started(student, { teacher: line([3]), soft: 0.5, hard: 0.25 });
  // The teacher says 3 and 9: a mean square of 5; the labels are off by 1 and 1.
  expect(penaltyOf(taught, step).dataSync()[0]).toBeCloseTo(0.5 * 5 - 0.75 * 1, 6);
  const other = await started(student, { teacher: line([1, 2]) });
  expect(() => penaltyOf(other, step)).toThrow("the teacher's outputs are [2,2], the student's [2,1]");
});

it('refuses models of several outputs by name', async () => {
  const seen = input({ shape: [2] });
  const outputs = [1, 2].map(
    (i) => layers.dense({ name: `out${i}`, units: 2 }).apply(seen) as SymbolicTensor,
  );
  const run = new Run(model({ inputs: seen, outputs }));
  await expect(async () => run.start(distillation())).rejects.toThrow(
    'distillation: the model has 2 outputs.',
  );
});
