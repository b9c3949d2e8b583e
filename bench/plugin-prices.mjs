/**
 * What plugins cost: a training step of LeNet-300-100 (batch 128, Adam) with each of them over one without any. All trainers live in
 * one process and take turns, in changing order, so that what else the machine does falls on all; figures are of the processor's time
 * (all threads). Prints JSON: milliseconds a step, least and median of the turns; `price` is with over without, median of the turns'
 * ratios, and of the least times. Of distillation the teacher's forward pass, timed in the same turns, is taken off first.
 *
 *   TF_NUM_INTRAOP_THREADS=1 node bench/plugin-prices.mjs [--backend native|wasm|cpu] [--turns 9] [--steps 40]
 *     [--plugins masks,softWeightSharing,normalJeffreys,horseshoe,distillation]
 */
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { groupHorseshoe, groupNormalJeffreys } from '@espalier/bayesian-layers';
import { createTrainer, Run } from '@espalier/core';
import { gaussianMixturePrior } from '@espalier/priors-gmm';
import { distillation } from '@espalier/regularizers';
import * as tf from '@tensorflow/tfjs-core';
import { lenet300, maskAtRandom, randomData } from './lib/lenet-300-100.mjs';
import { median, round } from './lib/numbers.mjs';

/** What a step may cost beside a plain one (issue: a step at the price of the hardware). */
const BARS = { masks: 1.02, softWeightSharing: 1.1, normalJeffreys: 2, distillation: 1.15 };

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    turns: { type: 'string', default: '9' },
    steps: { type: 'string', default: '40' },
    plugins: { type: 'string', default: [...Object.keys(BARS), 'horseshoe'].join() },
  },
});
const [turns, steps] = [Number(values.turns), Number(values.steps)];
const batch = 128;
const sparsity = 0.95;
const backend = await startBackend({ prefer: values.backend });
const data = randomData(batch, steps);
const teacher = lenet300();

const noFrames = { pruneFrom: false, frames: false };
const plugins = {
  softWeightSharing: () => gaussianMixturePrior({ components: 16 }),
  normalJeffreys: () => groupNormalJeffreys(noFrames),
  horseshoe: () => groupHorseshoe(noFrames),
  distillation: () => distillation({ teacher }),
};

async function trainerOf(name) {
  const { optimizers, recorder } = backend;
  const run = new Run(lenet300());
  if (name === 'masks') maskAtRandom(run, sparsity);
  const plugin = plugins[name]?.();
  return createTrainer(run, {
    data,
    epochs: turns + 1,
    ...(optimizers && { optimizers }),
    ...(recorder && { recorder }),
    ...(plugin && { schedules: [{ plugin }] }),
  });
}

/** Milliseconds of the processor a step. */
async function cpuOf(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / steps;
}

const names = ['plain', ...values.plugins.split(',')];
const work = new Map();
for (const name of names) {
  const trainer = await trainerOf(name);
  work.set(name, () => trainer.nextEpoch());
}
const inputs = tf.randomUniform([batch, 784], 0, 1, 'float32', 7);
if (names.includes('distillation')) {
  const recording = backend.recorder?.start(); // Replayed, as it is within a step.
  const outputs = tf.variable(tf.zeros([batch, 10]));
  const forward = () => void tf.tidy(() => outputs.assign(teacher.apply(inputs)));
  work.set('teacher', () => {
    for (let i = 0; i < steps; i++) {
      if (recording) recording.take([inputs], forward);
      else forward();
    }
  });
}

const times = new Map([...work.keys()].map((name) => [name, []]));
for (let turn = 0; turn <= turns; turn++) {
  const order = [...work];
  for (const [name, run] of turn % 2 === 0 ? order : order.reverse()) {
    const cpu = await cpuOf(run);
    if (turn > 0) times.get(name).push(cpu); // The first is for warming up.
  }
}

const least = (list) => Math.min(...list);
const plain = times.get('plain');
const forward = times.get('teacher');
const figures = (list) => ({ least: round(least(list), 3), median: round(median(list), 3) });
const results = [...times].map(([name, list]) => {
  const own = name === 'distillation' ? list.map((time, i) => time - forward[i]) : list;
  const price = {
    median: round(median(own.map((time, i) => time / plain[i])), 2),
    least: round(least(own) / least(plain), 2),
  };
  return {
    name,
    cpuMs: figures(list),
    ...(name !== 'plain' && name !== 'teacher' && { price, bar: BARS[name] }),
  };
});
const { name, versions, threads } = backend;
console.log(
  JSON.stringify(
    {
      benchmark: 'plugin-prices',
      model: 'LeNet-300-100',
      batch,
      backend: name,
      versions,
      threads,
      turns,
      steps,
      results,
    },
    null,
    2,
  ),
);
process.exit(0);
