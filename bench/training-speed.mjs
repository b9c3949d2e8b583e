/**
 * Images a second of training, batch 128, Adam: stock `model.fit` against our loop (softmax left out of the
 * graph, fused cross-entropy and optimizer where the backend has them). The two run in processes of their own,
 * taking turns, so that neither gets the other's kernels and both get the same share of a busy machine. Prints
 * JSON: medians over the turns. `masked` is the time of a step with a mask on every kernel over one without.
 *
 *   node bench/training-speed.mjs [--backend native|gpu|wasm|cpu] [--model mlp|lenet5] [--turns 8]
 */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { median } from './lib/numbers.mjs';

const BATCH = 128;
const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    model: { type: 'string' },
    turns: { type: 'string', default: '8' },
    worker: { type: 'string' },
  },
});

const seeded = (seed) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });

/** The two models of the reference. */
const MODELS = {
  /** LeNet-300-100. */
  mlp: (last) => [
    tfl.layers.dense({ units: 300, activation: 'relu', inputShape: [784], ...seeded(1) }),
    tfl.layers.dense({ units: 100, activation: 'relu', ...seeded(2) }),
    tfl.layers.dense({ units: 10, activation: last, ...seeded(3) }),
  ],
  /** LeNet-5 with 20 and 50 filters, ReLU after each convolution. */
  lenet5: (last) => [
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
    tfl.layers.dense({ units: 10, activation: last, ...seeded(4) }),
  ],
};

/** Batches of an epoch, so that one takes about half a second. */
const BATCHES = { native: { mlp: 64, lenet5: 16 }, wasm: { mlp: 24, lenet5: 3 }, cpu: { mlp: 2, lenet5: 1 } };

function setUp(name, backendName, last) {
  const model = tfl.sequential({ layers: MODELS[name](last) });
  const images = BATCH * (BATCHES[backendName] ?? BATCHES.native)[name];
  const x = tf.randomUniform([images, ...model.inputs[0].shape.slice(1)], 0, 1, 'float32', 7);
  const classes = tf.randomUniform([images], 0, 10, 'int32', 8);
  const y = tf.cast(tf.oneHot(tf.cast(classes, 'int32'), 10), 'float32');
  return { model, images, x, y };
}

/** One epoch of stock TF.js: nothing of ours is loaded in this process. */
async function stockWorker(name) {
  const require = createRequire(import.meta.url);
  const util = require('node:util');
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  const kind = options.backend;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (kind === 'native' || kind === 'gpu')
    require(kind === 'gpu' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node');
  else require(`@tensorflow/tfjs-backend-${kind}`);
  await tf.setBackend(kind === 'native' || kind === 'gpu' ? 'tensorflow' : kind);
  await tf.ready();
  const { model, images, x, y } = setUp(name, kind, 'softmax');
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });
  return async () => {
    const start = performance.now();
    await model.fit(x, y, { batchSize: BATCH, epochs: 1, verbose: 0 });
    return { stockFit: images / (performance.now() - start) };
  };
}

/** One epoch of our loop, without masks and with. */
async function ourWorker(name) {
  const { startBackend } = await import('@espalier/backend');
  const backend = await startBackend({ prefer: options.backend });
  const { model, images, x, y } = setUp(name, backend.name, 'linear');
  const variables = model.trainableWeights.map((weight) => weight.val);
  const groups = [{ name: 'all', variables, learningRate: 1e-3 }];
  const fused = backend.optimizers?.adam(groups);
  const stock = fused ? undefined : tf.train.adam(1e-3);
  const masks = variables.map((v) => tf.cast(tf.greater(tf.randomUniform(v.shape), 0.9), 'float32'));
  const setMasks = (on) => {
    for (const [i, v] of variables.entries()) if (v.shape.length > 1) fused?.setMask(v, on ? masks[i] : null);
  };
  const epoch = () => {
    const start = performance.now();
    for (let at = 0; at < images; at += BATCH) {
      tf.tidy(() => {
        const xs = tf.slice(x, at, BATCH);
        const ys = tf.slice(y, at, BATCH);
        const loss = () => crossEntropy(ys, model.apply(xs, { training: true }));
        const { grads } = tf.variableGrads(loss, variables);
        if (fused) fused.step(grads);
        else stock.applyGradients(grads);
      });
    }
    return images / (performance.now() - start);
  };
  const run = async () => {
    const tensors = tf.memory().numTensors;
    setMasks(false);
    const ours = epoch();
    setMasks(true);
    const masked = epoch();
    if (tensors !== 0 && warm && tf.memory().numTensors !== tensors)
      throw new Error('the loop leaks tensors');
    warm = true;
    return fused ? { ours, masked } : { ours };
  };
  let warm = false;
  const { versions, threads, gpu } = backend;
  process.send({ backend: backend.name, versions, threads, gpu });
  return run;
}

/** Mean cross-entropy of softmax(logits), by TensorFlow's fused op where there is one. */
function crossEntropy(labels, logits) {
  const kernel = 'SoftmaxCrossEntropyWithLogits';
  if (!tf.getKernel(kernel, tf.getBackend())) return tf.losses.softmaxCrossEntropy(labels, logits);
  const rows = tf.customGrad((l, save) => {
    const [loss, gradient] = tf.engine().runKernel(kernel, { logits: l, labels });
    save([gradient]);
    return { value: loss, gradFunc: (dy, [saved]) => tf.mul(tf.expandDims(dy, 1), saved) };
  });
  return tf.mean(rows(logits));
}

if (options.worker) {
  const run = await (options.worker === 'ours' ? ourWorker : stockWorker)(options.model);
  process.on('message', async () => {
    try {
      process.send({ rates: await run() });
    } catch (error) {
      process.send({ failed: String(error.message ?? error) });
    }
  });
  process.send({ ready: true });
} else {
  let environment = {};
  const results = [];
  for (const model of options.model ? [options.model] : Object.keys(MODELS)) {
    const args = ['--backend', options.backend, '--model', model];
    const workers = ['stock', 'ours'].map((kind) =>
      fork(fileURLToPath(import.meta.url), [...args, '--worker', kind]),
    );
    const turn = (worker) =>
      new Promise((resolve, reject) => {
        worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
        worker.on('message', function listen(message) {
          if (message.backend) environment = message;
          else {
            worker.off('message', listen);
            worker.removeAllListeners('exit');
            resolve(message);
          }
        });
      });
    await Promise.all(workers.map(turn));
    const rates = { stockFit: [], ours: [], masked: [] };
    let failed;
    for (let i = -1; i < Number(options.turns); i++) {
      for (const worker of workers) {
        const answer = turn(worker);
        worker.send('go');
        const message = await answer;
        failed ??= message.failed;
        if (i < 0 || !message.rates) continue; // The first turn warms up.
        for (const [key, rate] of Object.entries(message.rates)) rates[key].push(rate * 1000);
      }
    }
    for (const worker of workers) worker.kill();
    const row = { model, batch: BATCH };
    for (const [key, list] of Object.entries(rates)) if (list.length > 0) row[key] = Math.round(median(list));
    if (rates.stockFit.length > 0)
      row.ratio = Number(median(rates.ours.map((rate, i) => rate / rates.stockFit[i])).toFixed(2));
    if (rates.masked.length > 0)
      row.masked = Number(median(rates.ours.map((rate, i) => rate / rates.masked[i])).toFixed(3));
    if (failed) row.stockFails = failed.split('\n')[0];
    results.push(row);
  }
  console.log(JSON.stringify({ ...environment, node: process.version, unit: 'images/s', results }, null, 2));
}
