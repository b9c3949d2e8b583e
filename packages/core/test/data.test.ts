import {
  type Batch,
  createTrainer,
  type Data,
  evaluate,
  type Losses,
  outputActivation,
  Run,
  type Step,
  type Tensors,
  train,
  withLogits,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { close, codeOf, dense, perceptron, toyData, values, weightsOf } from './helpers.js';

/** Two inputs, `left` and `right`; two outputs, `class` (softmax, 3) and `size` (linear, 1). */
function twoByTwo(): tfl.LayersModel {
  const [left, right] = ['left', 'right'].map((name) => tfl.input({ name, shape: [2] }));
  const both = tfl.layers.concatenate().apply([left, right]) as tfl.SymbolicTensor;
  const hidden = dense('hidden', 4, 1, { activation: 'tanh' }).apply(both) as tfl.SymbolicTensor;
  const outputs = [dense('class', 3, 2, { activation: 'softmax' }), dense('size', 1, 3)].map((layer) =>
    layer.apply(hidden),
  );
  return tfl.model({ inputs: [left, right], outputs: outputs as tfl.SymbolicTensor[] });
}

const inputsOf = (): tf.Tensor[] => [
  tf.tensor2d([
    [1, 2],
    [3, 4],
  ]),
  tf.tensor2d([
    [-1, 0],
    [0.5, 2],
  ]),
];
const labelsOf = (): tf.Tensor[] => [
  tf.tensor2d([
    [1, 0, 0],
    [0, 0, 1],
  ]),
  tf.tensor2d([[5], [-3]]),
];
const lists = (): { inputs: tf.Tensor[]; labels: tf.Tensor[] } => ({
  inputs: inputsOf(),
  labels: labelsOf(),
});
const always = (make: () => Batch): Data => ({ size: 2, stepsPerEpoch: 1, batches: () => [make()] });
const losses: Losses = { class: 'categoricalCrossentropy', size: 'meanSquaredError' };

test('batches that come by and by train to the same bits as those that are there', async () => {
  const there = toyData({});
  const later: Data = {
    ...there,
    async *batches(epoch) {
      for (const batch of there.batches(epoch) as Iterable<Batch>) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        yield batch;
      }
    },
  };
  const [a, b] = [perceptron(), perceptron()];
  await train(new Run(a), { data: there, validation: there, epochs: 2 });
  const before = tf.memory().numTensors;
  const run = new Run(b);
  await train(run, { data: later, validation: later, epochs: 2 });
  run.dispose();
  expect(weightsOf(b)).toEqual(weightsOf(a));
  expect(tf.memory().numTensors).toBe(before);
});

test('lists and names are the same; the losses of the outputs are added up', async () => {
  const model = twoByTwo();
  const listed = await evaluate(model, always(lists), {
    loss: ['categoricalCrossentropy', 'meanSquaredError'],
  });
  const named = (): Batch => {
    const { inputs, labels } = lists();
    return { inputs: { right: inputs[1], left: inputs[0] }, labels: { size: labels[1], class: labels[0] } };
  };
  expect(await evaluate(model, always(named), { loss: losses })).toEqual(listed);
  const { inputs, labels } = lists();
  const [p, x] = (model.predict(inputs) as tf.Tensor[]).map(values);
  const entropy = -(Math.log(p[0]) + Math.log(p[5])) / 2;
  const squares = ((x[0] - 5) ** 2 + (x[1] + 3) ** 2) / 2;
  close(
    [listed.loss, listed.outputs!.class.loss, listed.outputs!.size.loss],
    [entropy + squares, entropy, squares],
  );
  tf.dispose([inputs, labels]);
});

test('a step of several outputs: gradients of the sum, exact where a class is all but excluded', async () => {
  const model = twoByTwo();
  model.getLayer('class').setWeights([tf.zeros([4, 3]), tf.tensor1d([60, 0, -60])]); // softmax: 1, 1e-26, 0
  const steps: Step[] = [];
  const looks = {
    name: 'looks',
    kinds: ['observer' as const],
    start: (run: { parameter(name: string): never }) => ({
      observe(step: Step & { gradient(p: never): tf.Tensor | undefined }) {
        steps.push({ ...step });
        close(values(step.gradient(run.parameter('class/bias'))!), [0.5, 0, -0.5]);
      },
    }),
  };
  const run = new Run(model);
  const options = { data: always(lists), epochs: 1, loss: losses, schedules: [{ plugin: looks as never }] };
  await train(run, options);
  expect(steps[0].outputs).toHaveLength(2);
  expect(steps[0].onLogits).toBe(false); // not of both
  run.dispose();
});

test('logits of an output are taken only where nothing else reads it', () => {
  const input = tfl.input({ shape: [2] });
  const first = dense('first', 3, 1, { activation: 'softmax' }).apply(input) as tfl.SymbolicTensor;
  const second = dense('second', 3, 2, { activation: 'softmax' }).apply(first) as tfl.SymbolicTensor;
  const model = tfl.model({ inputs: input, outputs: [first, second] });
  expect([outputActivation(model, 0), outputActivation(model, 1)]).toEqual([undefined, 'softmax']);
  expect(outputActivation(model)).toBe(undefined);
  tf.tidy(() => {
    const [a, b] = withLogits(model, () => model.predict(tf.ones([1, 2])), [0, 1]) as tf.Tensor[];
    close([values(a).reduce((x, y) => x + y)], [1]);
    expect(Math.abs(values(b).reduce((x, y) => x + y) - 1)).toBeGreaterThan(1e-3);
  });
});

const losses1: Losses[] = [
  'categoricalCrossentropy',
  'meanSquaredError',
  (y, x, w) => tf.sum(tf.mul(tf.mean(tf.squaredDifference(x, y), 1), tf.div(w!, tf.sum(w!)))),
];
test.each(losses1)('an example of weight 2 counts as two, one of weight 0 as none: %s', async (loss) => {
  const x = [
    [1, 0, 0.5, 2, -1, 3],
    [0, 1, 1, -1, 0.5, 0],
    [2, 2, 2, 2, 2, 2],
  ];
  const y = [
    [1, 0, 0],
    [0, 0, 1],
    [0, 1, 0],
  ];
  const batch = (of: number[], weights?: number[]): Data =>
    always(() => ({
      inputs: tf.tensor2d(of.map((i) => x[i])),
      labels: tf.tensor2d(of.map((i) => y[i])),
      ...(weights && { weights: tf.tensor1d(weights) }),
    }));
  const plain = batch([0, 0, 1], typeof loss === 'function' ? [1, 1, 1] : undefined);
  const weighed = batch([0, 1, 2], [2, 1, 0]);
  const [a, b] = [perceptron(), perceptron()];
  const scores = [await evaluate(a, plain, { loss }), await evaluate(b, weighed, { loss })];
  close([scores[1].loss, scores[1].accuracy], [scores[0].loss, scores[0].accuracy]);
  const before = tf.memory().numTensors;
  for (const [model, data] of [
    [a, plain],
    [b, weighed],
  ] as const) {
    const run = new Run(model);
    await train(run, { data, epochs: 2, loss, optimizer: { name: 'sgd' }, learningRate: 0.5 });
    run.dispose();
  }
  close(weightsOf(b), weightsOf(a));
  expect(tf.memory().numTensors).toBe(before);
});

test('binary cross-entropy with weights, on logits', async () => {
  const model = tfl.sequential({ layers: [dense('out', 1, 1, { inputShape: [1], activation: 'sigmoid' })] });
  model.setWeights([tf.tensor2d([[1]]), tf.zeros([1])]);
  const data = always(() => ({
    inputs: tf.tensor2d([[0], [2]]),
    labels: tf.tensor2d([[1], [0]]),
    weights: tf.tensor1d([3, 1]),
  }));
  const { loss, accuracy, size } = await evaluate(model, data, { loss: 'binaryCrossentropy' });
  close([loss, accuracy, size], [(3 * Math.log(2) + 2 + Math.log1p(Math.exp(-2))) / 4, 0, 2]);
});

const given = (inputs: () => Tensors, labels: () => Tensors, weights?: () => tf.Tensor) =>
  always(() => ({ inputs: inputs(), labels: labels(), ...(weights && { weights: weights() }) }));
test.each<[string, Data, Losses | undefined, string, string]>([
  [
    'one input of two',
    given(
      () => tf.ones([2, 2]),
      () => labelsOf(),
    ),
    losses,
    'shape-mismatch',
    '2 inputs; the data give 1',
  ],
  [
    'one label of two',
    given(
      () => inputsOf(),
      () => tf.ones([2, 3]),
    ),
    losses,
    'shape-mismatch',
    '2 outputs; the data give 1',
  ],
  [
    'a wrong name',
    given(
      () => ({ left: tf.ones([2, 2]), rihgt: tf.ones([2, 2]) }),
      () => labelsOf(),
    ),
    losses,
    'unknown-name',
    "Did you mean 'right'",
  ],
  [
    'a missing name',
    given(
      () => ({ left: tf.ones([2, 2]) }),
      () => labelsOf(),
    ),
    losses,
    'unknown-name',
    "nothing for the model's input 'right'",
  ],
  [
    'labels of another size',
    given(
      () => inputsOf(),
      () => [tf.ones([2, 4]), tf.ones([2, 1])],
    ),
    losses,
    'shape-mismatch',
    '[2,4]',
  ],
  ['a loss too few', always(lists), ['meanSquaredError'], 'invalid-option', '1 losses'],
  [
    'a loss of no output',
    always(lists),
    { klass: 'meanSquaredError' },
    'unknown-name',
    "Did you mean 'class'",
  ],
  [
    'an output without a loss',
    always(lists),
    { class: 'meanSquaredError' },
    'invalid-option',
    "output 'size'",
  ],
  [
    'weights for a loss that takes none',
    given(
      () => inputsOf(),
      () => labelsOf(),
      () => tf.ones([2]),
    ),
    (y, x) => tf.mean(tf.sub(y, x)),
    'invalid-option',
    'the loss takes none',
  ],
])('refuses %s', async (_, data, loss, code, message) => {
  const model = twoByTwo();
  const before = tf.memory().numTensors;
  const run = new Run(model);
  const work = async (): Promise<void> => {
    const trainer = await createTrainer(run, { data, epochs: 1, ...(loss && { loss }) });
    try {
      await trainer.nextEpoch();
    } finally {
      trainer.dispose();
    }
  };
  await expect(work()).rejects.toThrow(message);
  expect(await codeOf(work)).toBe(code);
  run.dispose();
  expect(await codeOf(() => evaluate(model, data, loss ? { loss } : {}))).toBe(code);
  expect(tf.memory().numTensors).toBe(before);
});

test.each<[string, Losses, number[][], string]>([
  [
    'no class',
    'sparseCategoricalCrossentropy',
    [[0], [3]],
    'A label is 3, in example 1 of its batch; it should be a class from 0 to 2',
  ],
  ['half a class', 'categoricalCrossentropy', [[0.5], [2]], 'A label is 0.5, in example 0'],
  ['a negative class', 'categoricalHinge', [[0], [-1]], 'A label is -1, in example 1'],
  [
    'a number where labels are there or not',
    'binaryCrossentropy',
    [
      [0, 1, 0],
      [0, 17, 1],
    ],
    'A label is 17, in example 1 of its batch; it should be in [0,1]',
  ],
  [
    'NaN',
    'huber',
    [
      [0, 1, 0],
      [0, Number.NaN, 1],
    ],
    'A label is NaN, in example 1 of its batch; it should be a number',
  ],
])(
  'a label that is %s is told of, in the first step and when a loss is not finite',
  async (_, loss, labels, message) => {
    const batch = (rows: number[][]): Batch => ({ inputs: tf.ones([2, 6]), labels: tf.tensor2d(rows) });
    const right =
      labels[0].length === 1
        ? [[0], [2]]
        : [
            [0, 1, 0],
            [1, 0, 0],
          ];
    const before = tf.memory().numTensors;
    const later: Data = { size: 4, stepsPerEpoch: 2, batches: () => [batch(right), batch(labels)] };
    for (const data of [always(() => batch(labels)), later]) {
      if (data === later && loss === 'binaryCrossentropy') continue; // Of a number, it is finite.
      const model = perceptron();
      const run = new Run(model);
      await expect(train(run, { data, epochs: 1, loss })).rejects.toThrow(message);
      run.dispose();
      if (loss === 'binaryCrossentropy') continue;
      await expect(evaluate(model, data, { loss })).rejects.toThrow(message);
      model.dispose();
    }
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(4); // The weights of the last model.
  },
);

test('inputs that are not finite are told of by their batch', async () => {
  const data: Data = {
    size: 4,
    stepsPerEpoch: 2,
    batches: () => [1, Number.NaN].map((v) => ({ inputs: tf.fill([2, 6], v), labels: tf.tensor1d([0, 1]) })),
  };
  const run = new Run(perceptron());
  await expect(train(run, { data, epochs: 1 })).rejects.toThrow(/loss is NaN.*\n.*The inputs of batch 1/);
  run.dispose();
});
