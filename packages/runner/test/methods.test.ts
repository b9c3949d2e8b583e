import '@tensorflow/tfjs-backend-cpu';
import {
  type Data,
  disposeModel,
  evaluate,
  type Losses,
  Run,
  type Schedule,
  type Tensors,
  train,
} from '@espalier/core';
import * as structured from '@espalier/pruners-structured';
import { kmeans } from '@espalier/quantize-kmeans';
import * as regularizers from '@espalier/regularizers';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { posteriors, schedules } from './every-plugin.js';

const seeded = (seed: number) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });
const { layers } = tfl;
type Symbolic = tfl.SymbolicTensor;

/** A net of a kind that is no classifier with one-hot labels, and data for it. */
interface Task {
  readonly model: () => tfl.LayersModel;
  readonly loss: Losses;
  /** Of four examples. */
  readonly inputs: (seed: number) => Tensors;
  readonly labels: () => Tensors;
  /** The tensor whose filters, or units, go. */
  readonly kernel: string;
}

const random = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);
const dense = (
  name: string,
  units: number,
  seed: number,
  activation: 'relu' | 'sigmoid' | 'linear' | 'softmax',
) => layers.dense({ name, units, activation, ...seeded(seed) });
const conv = (name: string, filters: number, seed: number, rest: object = {}) =>
  layers.conv2d({ name, filters, kernelSize: 3, padding: 'same', ...seeded(seed), ...rest });

const tasks: Record<string, Task> = {
  regression: {
    model: () =>
      tfl.sequential({
        layers: [
          layers.dense({ name: 'fc', units: 8, activation: 'relu', inputShape: [6], ...seeded(1) }),
          dense('out', 2, 2, 'linear'),
        ],
      }),
    loss: 'huber',
    inputs: (seed) => random([4, 6], seed),
    labels: () =>
      tf.tensor2d([
        [1, 20],
        [2, -30],
        [0.5, 4],
        [-3, 7],
      ]),
    kernel: 'fc/kernel',
  },
  'several labels': {
    model: () =>
      tfl.sequential({
        layers: [
          layers.dense({ name: 'fc', units: 8, activation: 'relu', inputShape: [6], ...seeded(1) }),
          dense('out', 3, 2, 'sigmoid'),
        ],
      }),
    loss: { name: 'binaryCrossentropy', classWeights: [1, 2] },
    inputs: (seed) => random([4, 6], seed),
    labels: () =>
      tf.tensor2d([
        [1, 0, 1],
        [0, 0, 0],
        [1, 1, 1],
        [0, 1, 0],
      ]),
    kernel: 'fc/kernel',
  },
  'two inputs, two outputs': {
    model() {
      const [left, right] = ['left', 'right'].map((name) => tfl.input({ name, shape: [3] }));
      const both = layers.concatenate().apply([left, right]) as Symbolic;
      const hidden = dense('fc', 8, 1, 'relu').apply(both) as Symbolic;
      const kind = dense('kind', 3, 2, 'softmax').apply(hidden) as Symbolic;
      const size = dense('size', 1, 3, 'linear').apply(hidden) as Symbolic;
      return tfl.model({ inputs: [left, right], outputs: [kind, size] });
    },
    loss: { kind: 'sparseCategoricalCrossentropy', size: { name: 'meanSquaredError', weight: 0.1 } },
    inputs: (seed) => ({ right: random([4, 3], seed), left: random([4, 3], seed + 500) }),
    labels: () => ({ kind: tf.tensor1d([0, 1, 2, 0], 'int32'), size: tf.tensor2d([[1], [2], [3], [4]]) }),
    kernel: 'fc/kernel',
  },
  'pictures to pictures': {
    model: () =>
      tfl.sequential({
        layers: [
          conv('conv', 4, 1, { activation: 'relu', inputShape: [6, 6, 1] }),
          conv('middle', 4, 2, { activation: 'relu' }),
          conv('out', 1, 3),
        ],
      }),
    loss: 'meanAbsoluteError',
    inputs: (seed) => random([4, 6, 6, 1], seed),
    labels: () => random([4, 6, 6, 1], 7),
    kernel: 'conv/kernel',
  },
  'a class for each pixel': {
    model() {
      const input = tfl.input({ shape: [6, 6, 1] });
      const first = conv('conv', 4, 1, { activation: 'relu' }).apply(input) as Symbolic;
      const down = layers.maxPooling2d({ poolSize: 2 }).apply(first) as Symbolic;
      const deep = conv('deep', 4, 2, { activation: 'relu' }).apply(down) as Symbolic;
      const up = layers.upSampling2d({ size: [2, 2] }).apply(deep) as Symbolic;
      const joined = layers.concatenate().apply([first, up]) as Symbolic;
      return tfl.model({
        inputs: input,
        outputs: conv('out', 3, 3, { activation: 'softmax' }).apply(joined) as Symbolic,
      });
    },
    loss: 'categoricalCrossentropy',
    inputs: (seed) => random([4, 6, 6, 1], seed),
    labels: () =>
      tf.tidy(() => tf.cast(tf.mul(tf.randomUniform([4, 6, 6], 0, 0.999, 'float32', 3), 3), 'int32')),
    kernel: 'deep/kernel',
  },
  'a class for each word': {
    model: () =>
      tfl.sequential({
        layers: [
          layers.embedding({
            name: 'words',
            inputDim: 10,
            outputDim: 6,
            inputLength: 5,
            embeddingsInitializer: tfl.initializers.randomUniform({ minval: -1, maxval: 1, seed: 1 }),
          }),
          layers.gru({
            name: 'gru',
            units: 6,
            returnSequences: true,
            recurrentInitializer: tfl.initializers.glorotUniform({ seed: 4 }),
            ...seeded(2),
          }),
          dense('out', 3, 3, 'softmax'),
        ],
      }),
    loss: { name: 'sparseCategoricalCrossentropy', smoothing: 0.1 },
    inputs: (seed) =>
      tf.tidy(() => tf.floor(tf.mul(tf.randomUniform([4, 5], 0, 0.999, 'float32', seed), 10))),
    labels: () =>
      tf.tidy(() => tf.cast(tf.mul(tf.randomUniform([4, 5], 0, 0.999, 'float32', 3), 3), 'int32')),
    kernel: 'gru/kernel',
  },
};

const dataOf = ({ inputs, labels }: Task): Data => ({
  size: 8,
  stepsPerEpoch: 2,
  *batches(epoch) {
    for (let i = 0; i < 2; i++) yield { inputs: inputs(100 * epoch + i + 1), labels: labels() };
  },
});

/** A method as it is used on a task. */
type Method = (task: Task) => Schedule;

/** Variants that differ by what they see of the weights alone: they are the same for all tasks. */
const variants =
  /^(level by|lamp|random|baiduRnn|sensitivity, always|filters by (l2|max|geometric-median|random)|kmeans by|normal-Jeffreys, units)/;

const methods: Record<string, Method> = Object.fromEntries(
  Object.entries({ ...schedules, ...posteriors })
    .filter(([name]) => !variants.test(name))
    .map(([name, make]): [string, Method] => [
      name,
      ({ kernel }) => {
        const schedule = make();
        return schedule.parameters === undefined ? schedule : { ...schedule, parameters: kernel };
      },
    ]),
);

/** What a method refuses, with the reason: of a task, or of all. */
const refused: readonly (readonly [task: RegExp, method: RegExp, message: RegExp])[] = [
  [/./, /batch-norm-scale/, /passes no batch normalisation with a scale\.\n.*Choose another criterion/],
  [/^several labels$/, /^distillation$/, /distillation: the model ends in a sigmoid/],
  [/^two inputs/, /^distillation$/, /distillation: the model has 2 outputs/],
  [/^two inputs/, /^groupVariance$/, /size\/kernel is a single group/],
  [/^pictures to pictures$/, /^groupVariance$/, /out\/kernel is a single group/],
  [/pixel|pictures/, /^structuredThreshold$/, /has no rows\.\n.*of matrices/],
  [
    /word/,
    /^structuredLevel, reconstructed$/,
    /cannot reconstruct gru\/recurrent_kernel: its layer is a GRU/,
  ],
  [/word/, /Jeffreys|horseshoe/, /cannot take words\/embeddings: it is an embedding weight/],
];

describe.each(Object.entries(tasks))('%s', (what, task) => {
  it.each(Object.entries(methods))('%s', async (name, method) => {
    const before = tf.memory().numTensors;
    const run = new Run(task.model(), { seed: 1 });
    const data = dataOf(task);
    const start = await evaluate(run.model, data, { loss: task.loss });
    const work = train(run, {
      data,
      epochs: 3,
      loss: task.loss,
      learningRate: 0.01,
      schedules: [method(task)],
    });
    const reason = refused.find(([of, by]) => of.test(what) && by.test(name))?.[2];
    if (reason) await expect(work).rejects.toThrow(reason);
    else {
      await work;
      const { loss } = await evaluate(run.model, data, { loss: task.loss });
      expect(loss).not.toBe(start.loss);
      expect(loss).toBeLessThan(start.loss + 1);
      const { parameters, nonzero } = await run.counts();
      if (/^(level|agp|magnitude|nm|filters by .*)$/.test(name)) expect(nonzero).toBeLessThan(parameters);
    }
    run.dispose();
    disposeModel(run.model);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('filters or units are really removed, and what is left is shared', async () => {
    const run = new Run(task.model(), { seed: 1 });
    const data = dataOf(task);
    const pruner = structured.structuredLevel({
      structure: /fc|gru/.test(task.kernel) ? 'units' : 'filters',
      sparsity: 0.5,
    });
    await train(run, {
      data,
      epochs: 1,
      loss: task.loss,
      schedules: [{ plugin: pruner, parameters: task.kernel }],
    });
    const before = await evaluate(run.model, data, { loss: task.loss });
    const { size } = run.parameter(task.kernel);
    const { session } = await run.start(structured.thin());
    await run.replaceModel(await session.apply(run.model));
    expect(run.parameter(task.kernel).size).toBeLessThan(size);
    expect((await evaluate(run.model, data, { loss: task.loss })).loss).toBeCloseTo(before.loss, 4);
    await run.quantize(kmeans({ clusters: 4 }), task.kernel);
    await train(run, { data, epochs: 1, loss: task.loss });
    expect(new Set(run.parameter(task.kernel).variable.dataSync()).size).toBeLessThanOrEqual(4);
    run.dispose();
    disposeModel(run.model);
  });
});

describe('distillation of numbers', () => {
  const teach = async (hard: number): Promise<{ student: number; truth: number }> => {
    const { model, inputs } = tasks.regression;
    const [teacher, student] = [model(), model()];
    const taught: Data = {
      ...dataOf(tasks.regression),
      *batches(epoch) {
        for (let i = 0; i < 2; i++) yield { inputs: inputs(100 * epoch + i + 1), labels: tf.ones([4, 2]) };
      },
    };
    const run = new Run(student, { seed: 1 });
    student.getLayer('out').setWeights([tf.zeros([8, 2]), tf.zeros([2])]);
    const plugin = regularizers.distillation({ teacher, soft: 1, hard });
    await train(run, {
      data: taught,
      epochs: 150,
      loss: 'meanSquaredError',
      learningRate: 0.03,
      schedules: [{ plugin }],
    });
    return tf.tidy(() => {
      const x = inputs(1);
      const [t, s] = [teacher, student].map((net) => net.predict(x as tf.Tensor) as tf.Tensor);
      const distance = (a: tf.Tensor, b: tf.Tensor): number =>
        tf.mean(tf.squaredDifference(a, b)).dataSync()[0];
      return { student: distance(t, s), truth: distance(tf.onesLike(s), s) };
    });
  };

  it('leads to the teacher with the labels at 0, half way to them with both', async () => {
    const alone = await teach(0);
    expect(alone.student).toBeLessThan(0.05);
    const both = await teach(1);
    expect(both.student).toBeGreaterThan(alone.student);
    expect(both.truth).toBeLessThan(alone.truth);
  });
});
