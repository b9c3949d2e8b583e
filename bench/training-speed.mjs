/**
 * Images a second of training, batch 128, Adam: stock `model.fit` against our loop (softmax left out of the
 * graph, fused cross-entropy where the backend has it, fused optimizer), in one run. Prints JSON.
 *
 *   node bench/training-speed.mjs [--backend native|wasm|cpu] [--model mlp|lenet5] [--seconds 8]
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { startBackend } from '@espalier/backend';

const BATCH = 128;
const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    model: { type: 'string' },
    seconds: { type: 'string', default: '8' },
  },
});
const seconds = Number(values.seconds);

const MODELS = {
  /** LeNet-300-100. */
  mlp: (activation) =>
    tfl.sequential({
      layers: [
        tfl.layers.dense({ units: 300, activation: 'relu', inputShape: [784], ...seeded(1) }),
        tfl.layers.dense({ units: 100, activation: 'relu', ...seeded(2) }),
        tfl.layers.dense({ units: 10, activation, ...seeded(3) }),
      ],
    }),
  /** LeNet-5 as Caffe has it, with ReLU after each convolution. */
  lenet5: (activation) =>
    tfl.sequential({
      layers: [
        tfl.layers.conv2d({
          filters: 20,
          kernelSize: 5,
          activation: 'relu',
          inputShape: [28, 28, 1],
          ...seeded(1),
        }),
        tfl.layers.maxPooling2d({ poolSize: 2 }),
        tfl.layers.conv2d({ filters: 50, kernelSize: 5, activation: 'relu', ...seeded(2) }),
        tfl.layers.maxPooling2d({ poolSize: 2 }),
        tfl.layers.flatten(),
        tfl.layers.dense({ units: 500, activation: 'relu', ...seeded(3) }),
        tfl.layers.dense({ units: 10, activation, ...seeded(4) }),
      ],
    }),
};

function seeded(seed) {
  return { kernelInitializer: tfl.initializers.glorotUniform({ seed }) };
}

function data(name, images) {
  const shape = name === 'mlp' ? [images, 784] : [images, 28, 28, 1];
  const x = tf.randomUniform(shape, 0, 1, 'float32', 7);
  const y = tf.tidy(() => tf.cast(tf.oneHot(tf.cast(tf.randomUniform([images], 0, 10, 'int32', 8), 'int32'), 10), 'float32'));
  return { x, y };
}

/** Stock: compile, fit. Epochs of `images` until the time is up; the first one warms up. */
async function stockFit(name, images) {
  const model = MODELS[name]('softmax');
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });
  const { x, y } = data(name, images);
  await model.fit(x, y, { batchSize: BATCH, epochs: 1, verbose: 0 });
  const rates = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    const start = performance.now();
    await model.fit(x, y, { batchSize: BATCH, epochs: 1, verbose: 0 });
    rates.push((images / (performance.now() - start)) * 1000);
  }
  tf.dispose([x, y]);
  model.dispose();
  return median(rates);
}

/** Mean cross-entropy of softmax(logits), by TensorFlow's fused op where there is one. */
function crossEntropy(labels, logits) {
  if (!tf.getKernel('SoftmaxCrossEntropyWithLogits', tf.getBackend())) {
    return tf.losses.softmaxCrossEntropy(labels, logits);
  }
  const perRow = tf.customGrad((l, save) => {
    const [loss, gradient] = tf.engine().runKernel('SoftmaxCrossEntropyWithLogits', { logits: l, labels });
    save([gradient]);
    return { value: loss, gradFunc: (dy, [saved]) => tf.mul(tf.expandDims(dy, 1), saved) };
  });
  return tf.mean(perRow(logits));
}

function ourLoop(name, images, backend) {
  const model = MODELS[name]('linear');
  const variables = model.trainableWeights.map((weight) => weight.val);
  const groups = [{ name: 'all', variables, learningRate: 1e-3 }];
  const stock = tf.train.adam(1e-3);
  const optimizer = backend.optimizers?.adam(groups);
  const { x, y } = data(name, images);
  const epoch = () => {
    for (let at = 0; at + BATCH <= images; at += BATCH) {
      tf.tidy(() => {
        const xs = tf.slice(x, at, BATCH);
        const ys = tf.slice(y, at, BATCH);
        const { grads } = tf.variableGrads(
          () => crossEntropy(ys, model.apply(xs, { training: true })),
          variables,
        );
        if (optimizer) optimizer.step(grads);
        else stock.applyGradients(grads);
      });
    }
  };
  epoch();
  const tensors = tf.memory().numTensors;
  const rates = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    const start = performance.now();
    epoch();
    rates.push((images / (performance.now() - start)) * 1000);
  }
  if (tf.memory().numTensors !== tensors) throw new Error('the loop leaks tensors');
  optimizer?.dispose();
  tf.dispose([x, y]);
  model.dispose();
  return median(rates);
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}

const backend = await startBackend({ prefer: values.backend });
const slow = backend.name === 'cpu' ? 1 : backend.name === 'wasm' ? 2 : 16;
const results = [];
for (const name of values.model ? [values.model] : Object.keys(MODELS)) {
  const images = BATCH * slow * (name === 'mlp' ? 4 : 1);
  const ours = Math.round(ourLoop(name, images, backend));
  const fit = backend.name === 'wasm' && values.stock === 'no' ? 0 : Math.round(await stockFit(name, images));
  results.push({ model: name, batch: BATCH, stockFit: fit, ours, ratio: Number((ours / fit).toFixed(2)) });
}
const { name, versions, threads, gpu } = backend;
console.log(JSON.stringify({ backend: name, versions, threads, gpu, unit: 'images/s', results }, null, 2));
