/**
 * Whether WebGPU computes here what the CPU backend computes: ops of training and their gradients on both, the largest
 * difference of each relative to the largest value. Then whether a step gives the same bytes twice. JSON lines.
 */
import '@tensorflow/tfjs-backend-cpu';
import { startBackend } from '@espalier/backend';
import { softmaxCrossEntropy } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { examples, MODELS } from './models.mjs';

const tolerance = 1e-4;
const say = (row) => console.log(JSON.stringify(row));

let state = 1;
/** The same numbers in [-1, 1) on each backend, as CPU values. */
function numbers(shape) {
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return { shape, values };
}

/** Sum of the products with fixed weights: gives every output a gradient of its own. */
const mix = (y) => {
  const weights = Float32Array.from({ length: y.size }, (_, i) => Math.cos(i));
  return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
};

/** A function of tensors, and their shapes. */
const OPS = {
  matMul: [(a, b) => tf.matMul(a, b), [37, 129], [129, 65]],
  'matMul, transposed': [(a, b) => tf.matMul(a, b, true, true), [129, 37], [65, 129]],
  'matMul, long sums': [(a, b) => tf.matMul(a, b, true), [1024, 20], [1024, 10]],
  'dense with bias and relu': [(x, w, b) => tf.relu(tf.add(tf.matMul(x, w), b)), [16, 30], [30, 20], [20]],
  'conv2d valid': [(x, w) => tf.conv2d(x, w, 1, 'valid'), [5, 12, 12, 3], [5, 5, 3, 20]],
  'conv2d same': [(x, w) => tf.conv2d(x, w, 1, 'same'), [4, 9, 9, 16], [3, 3, 16, 24]],
  'conv2d stride 2': [(x, w) => tf.conv2d(x, w, 2, 'same'), [4, 14, 14, 8], [3, 3, 8, 16]],
  'conv2d 1x1 stride 2': [(x, w) => tf.conv2d(x, w, 2, 'same'), [4, 7, 7, 8], [1, 1, 8, 16]],
  depthwiseConv2d: [(x, w) => tf.depthwiseConv2d(x, w, 1, 'same'), [3, 8, 8, 6], [3, 3, 6, 2]],
  maxPool: [(x) => tf.maxPool(x, 2, 2, 'valid'), [4, 24, 24, 20]],
  'maxPool same 3x3': [(x) => tf.maxPool(x, 3, 2, 'same'), [4, 13, 13, 5]],
  avgPool: [(x) => tf.avgPool(x, 2, 2, 'valid'), [4, 8, 8, 5]],
  'mean over pictures': [(x) => tf.mean(x, [1, 2]), [8, 7, 7, 64]],
  'batch normalisation': [
    (x, gamma, beta) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(x, mean, variance, beta, gamma, 1e-3);
    },
    [16, 6, 6, 12],
    [12],
    [12],
  ],
  softmax: [(x) => tf.softmax(x), [16, 10]],
  'relu, sigmoid, tanh': [(x) => tf.addN([tf.relu(x), tf.sigmoid(x), tf.tanh(x)]), [33, 21]],
  'elu, softplus, exp': [(x) => tf.addN([tf.elu(x), tf.softplus(x), tf.exp(x)]), [33, 21]],
  'log, sqrt, square': [(x) => tf.log(tf.add(tf.sqrt(tf.add(tf.square(x), 0.1)), 1)), [70, 5]],
  'concat, slice, pad': [
    (a, b) =>
      tf.pad(tf.slice(tf.concat([a, b], 1), [0, 1], [6, 9]), [
        [1, 2],
        [0, 3],
      ]),
    [6, 5],
    [6, 7],
  ],
  'gather rows': [(x) => tf.gather(x, tf.tensor1d([3, 0, 3, 1], 'int32')), [5, 9]],
  'sums along each axis': [(x) => tf.add(tf.sum(x, 0), tf.mean(x, 1, true)), [9, 9]],
};

function compare(name, cpu, gpu) {
  let largest = 0;
  let difference = 0;
  for (const [t, values] of cpu.entries()) {
    for (const [i, value] of values.entries()) {
      largest = Math.max(largest, Math.abs(value));
      const apart = Math.abs(value - gpu[t][i]);
      difference = Math.max(difference, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
    }
  }
  const relative = difference / (largest || 1);
  const right = relative <= tolerance;
  say({ check: name, right, relative: Number(relative.toPrecision(3)) });
  return right;
}

async function run(compute, inputs) {
  const variables = inputs.map(({ shape, values }) => tf.variable(tf.tensor(values, shape)));
  const y = compute(...variables);
  const { grads } = tf.variableGrads(() => mix(compute(...variables)), variables);
  return Promise.all([y, ...variables.map((v) => grads[v.name])].map((t) => t.data()));
}

/** Losses and weights of a net after a few steps of the trainer. */
async function train(optimizers, name, batch, steps) {
  const { createTrainer, Run } = await import('@espalier/core');
  const model = MODELS[name]();
  const { x, y } = examples(batch, model.inputs[0].shape.slice(1));
  const data = {
    size: batch * steps,
    stepsPerEpoch: steps,
    *batches() {
      for (let s = 0; s < steps; s++) yield { inputs: tf.clone(x), labels: tf.clone(y) };
    },
  };
  const trainer = await createTrainer(new Run(model), { data, epochs: 1, ...(optimizers && { optimizers }) });
  const { loss } = await trainer.nextEpoch();
  return [[loss], ...(await Promise.all(model.getWeights().map((w) => w.data())))];
}

const { optimizers } = await startBackend({ prefer: 'webgpu' });
await tf.setBackend('cpu');
tf.backend().firstUse = false; // Else it advertises tfjs-node.
let wrong = 0;
for (const [name, [compute, ...shapes]] of Object.entries(OPS)) {
  try {
    const inputs = shapes.map(numbers);
    await tf.setBackend('cpu');
    const cpu = await run(compute, inputs);
    await tf.setBackend('webgpu');
    if (!compare(name, cpu, await run(compute, inputs))) wrong++;
  } catch (error) {
    wrong++;
    say({ check: name, right: false, error: String(error?.message ?? error).slice(0, 300) });
  }
}
try {
  const logits = numbers([64, 10]);
  const labels = () =>
    tf.cast(
      tf.oneHot(
        tf.tensor1d(
          Int32Array.from({ length: 64 }, (_, i) => i % 10),
          'int32',
        ),
        10,
      ),
      'float32',
    );
  await tf.setBackend('cpu');
  const cpu = await run((x) => softmaxCrossEntropy(labels(), x), [logits]);
  await tf.setBackend('webgpu');
  if (!compare('softmax cross-entropy', cpu, await run((x) => softmaxCrossEntropy(labels(), x), [logits])))
    wrong++;
} catch (error) {
  wrong++;
  say({ check: 'softmax cross-entropy', right: false, error: String(error?.message ?? error).slice(0, 300) });
}
for (const name of process.argv.includes('--tiny') ? ['mlp'] : ['mlp', 'lenet5', 'resnet8']) {
  try {
    const [first, second] = [await train(optimizers, name, 16, 2), await train(optimizers, name, 16, 2)];
    const same = first.every((values, t) => values.every((value, i) => Object.is(value, second[t][i])));
    say({ check: `${name}: two steps give the same bytes twice`, right: same });
    if (!same) wrong++;
  } catch (error) {
    wrong++;
    say({ check: name, right: false, error: String(error?.message ?? error).slice(0, 300) });
  }
}
say({ check: 'all', wrong });
process.exit(wrong > 0 ? 1 : 0);
