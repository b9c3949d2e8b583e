/**
 * One net on one way of training, in a process of its own, so that neither gets the other's kernels: a loss curve of
 * single steps, then images a second at each batch size. A JSON line for each as it is there. `gpu.mjs` starts this.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { round } from '../lib/numbers.mjs';
import { examples, MODELS } from './models.mjs';

const { values } = parseArgs({
  options: {
    /** stock: model.fit on WebGPU; ours: the trainer on WebGPU; cpu: the trainer on native or wasm. */
    way: { type: 'string' },
    model: { type: 'string' },
    curve: { type: 'string', default: '8' },
    batches: { type: 'string', default: '128,1024' },
    seconds: { type: 'string', default: '1.5' },
  },
});
const { way, model: name } = values;
const seconds = Number(values.seconds);
const [batch, ...more] = values.batches.split(',').map(Number);
const curveSteps = Number(values.curve);
const say = (row) => console.log(JSON.stringify({ way, model: name, ...row }));
const most = 32; // Steps of an epoch.

/** Programs that run on the GPU while something works, where there is WebGPU. */
async function countPrograms(work) {
  const pass = globalThis.GPUComputePassEncoder?.prototype;
  if (!pass) {
    await work();
    return undefined;
  }
  const { dispatchWorkgroups } = pass;
  let count = 0;
  pass.dispatchWorkgroups = function (...args) {
    count++;
    return dispatchWorkgroups.apply(this, args);
  };
  await work();
  pass.dispatchWorkgroups = dispatchWorkgroups;
  return count;
}

/** How stock TF.js trains; nothing of ours is loaded. */
async function stock() {
  const require = createRequire(import.meta.url);
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const navigator = { gpu: create([]), userAgent: 'Node.js' };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  require('@tensorflow/tfjs-backend-webgpu');
  await tf.setBackend('webgpu');
  await tf.ready();
  const model = MODELS[name]();
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });
  const config = { epochs: 1, verbose: 0, shuffle: false };
  return (x, y, batchSize) => {
    const fit = async (...data) => (await model.fit(...data, { ...config, batchSize })).history.loss[0];
    let at = 0;
    return {
      epoch: () => fit(x, y),
      async step() {
        const data = [x, y].map((tensor) => tf.slice(tensor, at, batchSize));
        at = (at + batchSize) % x.shape[0];
        const loss = await fit(...data);
        tf.dispose(data);
        return loss;
      },
    };
  };
}

/** How the trainer of `@espalier/core` trains. */
async function ours(backendNames) {
  const { startBackend } = await import('@espalier/backend');
  const { createTrainer, Run } = await import('@espalier/core');
  let backend;
  for (const prefer of backendNames) backend ??= await startBackend({ prefer }).catch(() => undefined);
  say({
    backend: backend.name,
    package: backend.versions.package,
    adapter: backend.adapter,
    threads: backend.threads,
  });
  const run = new Run(MODELS[name]());
  const { optimizers } = backend;
  /** `count` batches, going on where the epoch before ended. */
  const cut = (x, y, batchSize, count) => ({
    size: count * batchSize,
    stepsPerEpoch: count,
    *batches(epoch) {
      for (let s = epoch * count; s < (epoch + 1) * count; s++) {
        const [inputs, labels] = [x, y].map((t) => tf.slice(t, (s * batchSize) % t.shape[0], batchSize));
        yield { inputs, labels };
      }
    },
  });
  return async (x, y, batchSize) => {
    const trainer = (data) => createTrainer(run, { data, epochs: 1e6, ...(optimizers && { optimizers }) });
    const single = await trainer(cut(x, y, batchSize, 1));
    const whole = await trainer(cut(x, y, batchSize, x.shape[0] / batchSize));
    return {
      epoch: async () => (await whole.nextEpoch()).loss,
      step: async () => (await single.nextEpoch()).loss,
    };
  };
}

async function measure(prepare, batchSize, shape) {
  const one = examples(batchSize, shape);
  const { step } = await prepare(one.x, one.y, batchSize);
  await step(); // Compiles what this batch size needs.
  let began = performance.now();
  await step();
  const once = performance.now() - began;
  const steps = Math.max(1, Math.min(most, Math.round((seconds * 1000) / once)));
  const tiled = tf.tidy(() => ({
    x: tf.tile(one.x, [steps, ...shape.map(() => 1)]),
    y: tf.tile(one.y, [steps, 1]),
  }));
  tf.dispose(one);
  const { epoch } = await prepare(tiled.x, tiled.y, batchSize);
  const programs = once < 500 ? await countPrograms(epoch) : undefined;
  const tensors = tf.memory().numTensors;
  const cpu = process.cpuUsage();
  began = performance.now();
  let loss;
  let epochs = 0;
  do {
    loss = await epoch();
    epochs++;
  } while (performance.now() - began < seconds * 1000);
  const time = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  const all = steps * epochs;
  say({
    batch: batchSize,
    imagesPerSecond: round((all * batchSize * 1000) / time, 0),
    msPerStep: round(time / all, 3),
    cpuMsPerStep: round((user + system) / 1000 / all, 3),
    ...(programs && { programsPerStep: round(programs / steps, 1) }),
    steps: all,
    tensorsMore: tf.memory().numTensors - tensors,
    loss: round(loss, 4),
  });
  tf.dispose(tiled);
}

try {
  const prepare = await (way === 'stock' ? stock() : ours(way === 'cpu' ? ['native', 'wasm'] : ['webgpu']));
  const shape = name === 'mlp' ? [784] : [28, 28, 1];
  const { x, y } = examples(batch * curveSteps, shape);
  const losses = [];
  const began = performance.now();
  const { step } = await prepare(x, y, batch);
  for (let s = 0; s < curveSteps; s++) losses.push(round(await step(), 6));
  tf.dispose([x, y]);
  say({ curve: losses, seconds: round((performance.now() - began) / 1000, 2) });
  for (const size of [batch, ...more]) await measure(prepare, size, shape);
} catch (error) {
  say({ failed: String(error?.stack ?? error).slice(0, 600) });
}
process.exit(0);
