/**
 * A training step of the soft weight-sharing tutorial's network (642,460 weights, batch 256, Adam) without a
 * prior and with the Gaussian-mixture prior, J = 16, in three makes: a plain graph that TF.js differentiates,
 * the exact closed form in TF.js ops (weights × components), and what `@espalier/priors-gmm` ships; all of them
 * regularizers of a trainer. The variants take turns, so that what else the machine does falls on all of them, and
 * the CPU time of all threads is measured beside the time that passes. Prints JSON.
 *
 *   node bench/gmm-prior.mjs [--backend native|wasm|cpu] [--rounds 8] [--steps 10]
 *     [--kinds none,plainGraph,closedForm,shipped]
 */
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { createTrainer, Run } from '@espalier/core';
import { gaussianMixturePrior, mixtureLoss, mixtureOf } from '@espalier/priors-gmm';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { closedForm, hyper, plainGraph } from './lib/mixture-rivals.mjs';
import { median, round } from './lib/numbers.mjs';

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    rounds: { type: 'string', default: '8' },
    steps: { type: 'string', default: '10' },
    kinds: { type: 'string', default: 'none,plainGraph,closedForm,shipped' },
  },
});
const J = 16;
const BATCH = 256;
const EXAMPLES = 60_000;
const TAU = 0.003;
const scale = TAU / EXAMPLES;

const backend = await startBackend({ prefer: values.backend });
const seeded = (seed) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });
const model = tfl.sequential({
  layers: [
    tfl.layers.conv2d({
      filters: 25,
      kernelSize: 5,
      strides: 2,
      activation: 'relu',
      inputShape: [28, 28, 1],
      ...seeded(1),
    }),
    tfl.layers.conv2d({ filters: 50, kernelSize: 3, strides: 2, activation: 'relu', ...seeded(2) }),
    tfl.layers.flatten(),
    tfl.layers.dense({ units: 500, activation: 'relu', ...seeded(3) }),
    tfl.layers.dense({ units: 10, ...seeded(4) }),
  ],
});
const run = new Run(model);
const all = run.parameters;
const weights = all.map(({ variable }) => variable);
const size = all.reduce((sum, p) => sum + p.size, 0);
const images = tf.randomUniform([BATCH, 28, 28, 1], 0, 1, 'float32', 7);
const labels = tf.tidy(() =>
  tf.cast(tf.oneHot(tf.cast(tf.randomUniform([BATCH], 0, 10, 'int32', 8), 'int32'), 10), 'float32'),
);

/** Weights as before retraining, or as after it: 15 of 16 in a spike, the others near the means. */
const start = weights.map((w) => w.dataSync().slice());
const trainedMeans = [
  -0.35, -0.28, -0.22, -0.17, -0.13, -0.1, -0.07, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.36,
];
let count = 0;
const trained = start.map((array) =>
  array.map((w) => (count++ % 16 ? 0.05 * w : trainedMeans[count % 15] + 0.2 * w)),
);
const put = (arrays) =>
  weights.forEach((variable, i) => {
    tf.tidy(() => variable.assign(tf.tensor(arrays[i], variable.shape)));
  });

/** The three learned tensors of a mixture, at the tutorial's start or as after retraining. */
const states = {
  start: {
    weights: start,
    means: Array.from({ length: J - 1 }, (_, j) => -0.6 + (1.2 * j) / (J - 2)),
    logPrecisions: new Array(J).fill(2.7726),
  },
  retrained: { weights: trained, means: trainedMeans, logPrecisions: [11, ...new Array(J - 1).fill(8.5)] },
};
const put1d = (variable, array) => tf.tidy(() => variable.assign(tf.tensor1d(array)));

/** A penalty as a plugin, with a mixture of its own. */
function regularizer(name, penalty, state) {
  const start = () => {
    const mixture = [state.means, state.logPrecisions, new Array(J - 1).fill(Math.log(0.01 / (J - 1)))].map(
      (numbers) => tf.tidy(() => tf.variable(tf.tensor1d(numbers))),
    );
    return {
      mixture,
      penalty: () => penalty(weights, mixture, scale),
      trainables: () => [{ name: 'mixture', variables: mixture, learningRate: 0 }],
      dispose: () => tf.dispose(mixture),
    };
  };
  return { name, kinds: ['regularizer'], start };
}

const rounds = Number(values.rounds);
const steps = Number(values.steps);
const dataOf = (stepsPerEpoch) => ({
  size: BATCH * stepsPerEpoch,
  stepsPerEpoch,
  *batches() {
    for (let i = 0; i < stepsPerEpoch; i++) yield { inputs: tf.clone(images), labels: tf.clone(labels) };
  },
});

/** A trainer of a kind, and its prior's session. The learning rates are 0: the weights stay what they are. */
async function variant(kind, state) {
  const shipped = gaussianMixturePrior({
    components: J,
    tau: TAU,
    examples: EXAMPLES,
    means: state.means,
    rates: { means: 0, precisions: 0, shares: 0 },
    frames: false,
  });
  const plugins = {
    plainGraph: () => regularizer('plainGraph', plainGraph, state),
    closedForm: () => regularizer('closedForm', closedForm, state),
    shipped: () => shipped,
  };
  const running = kind === 'none' ? undefined : await run.start(plugins[kind](), { parameters: '**' });
  if (kind === 'shipped') put1d(running.session.trainables()[1].variables[0], state.logPrecisions);
  const n = kind === 'none' || kind === 'shipped' ? steps : Math.max(1, Math.round(steps / 5));
  const { optimizers, recorder } = backend;
  const trainer = await createTrainer(run, {
    data: dataOf(n),
    epochs: rounds + 1,
    learningRate: 0,
    ...(optimizers && { optimizers }),
    ...(recorder && { recorder }),
    ...(running && { schedules: [{ plugin: running }] }),
  });
  const times = [];
  const work = [];
  return {
    kind,
    times,
    work,
    running,
    /** Some steps, measured but for the first time. */
    async turn() {
      const first = trainer.epoch === 0;
      const before = process.cpuUsage();
      const { seconds } = await trainer.nextEpoch();
      const { user, system } = process.cpuUsage(before);
      if (first) return;
      times.push((1000 * seconds) / n);
      work.push((user + system) / 1000 / n);
    },
    dispose() {
      trainer.dispose();
      running?.dispose();
    },
  };
}

/** Gradients of a prior's penalty against the exact ones in double precision: ‖ours - exact‖ / ‖exact‖. */
function errorsOf({ session }, state) {
  const [m, g, r] = session.mixture ?? session.trainables().flatMap(({ variables }) => variables);
  const variables = [...weights, m, g, r];
  const at = { epoch: 0, step: 1, stepsPerEpoch: 235, start: 0, end: 30, every: 1, index: 1, count: 7050 };
  const found = tf.tidy(() => {
    const penalty = session.penalty({ at, labels, inputs: images });
    const { grads } = penalty.gradients ? {} : tf.variableGrads(() => session.penalty({}), variables);
    return variables.map((v) => Array.from((grads?.[v.name] ?? penalty.gradients.get(v)).dataSync()));
  });
  const exact = mixtureLoss(
    mixtureOf(m.dataSync(), g.dataSync(), r.dataSync(), 0.99),
    Float32Array.from(state.weights.flatMap((a) => [...a])),
    hyper,
  );
  const relative = (ours, theirs) => {
    let [difference, norm] = [0, 0];
    for (let i = 0; i < theirs.length; i++) {
      difference += (ours[i] / scale - theirs[i]) ** 2;
      norm += theirs[i] ** 2;
    }
    return Number(Math.sqrt(difference / norm).toExponential(1));
  };
  const [means, logPrecisions, logShares] = found.slice(-3);
  return {
    weights: relative(found.slice(0, -3).flat(), exact.weights),
    means: relative(means, exact.means),
    logPrecisions: relative(logPrecisions, exact.logPrecisions),
    logShares: relative(logShares, exact.rhos),
  };
}

const results = {};
for (const [name, state] of Object.entries(states)) {
  put(state.weights);
  const variants = [];
  for (const kind of values.kinds.split(',')) variants.push(await variant(kind, state));
  for (const v of variants) await v.turn();
  const tensors = tf.memory().numTensors;
  for (let turn = 0; turn < rounds; turn++) {
    for (const v of turn % 2 === 0 ? variants : variants.toReversed()) await v.turn();
  }
  if (tf.memory().numTensors !== tensors) throw new Error('a step leaks tensors');
  const [plain] = variants;
  results[name] = variants.map(({ kind, times, work, running }) => ({
    prior: kind,
    medianMs: round(median(times), 2),
    medianCpuMs: round(median(work), 2),
    timesTheStepWithout: round(median(times) / median(plain.times), 2),
    timesTheCpuWithout: round(median(work) / median(plain.work), 2),
    ...(running && { relativeGradientErrors: errorsOf(running, state) }),
  }));
  for (const v of variants) v.dispose();
}
const { name, versions, threads } = backend;
console.log(
  JSON.stringify(
    { backend: name, versions, threads, weights: size, components: J, batch: BATCH, results },
    null,
    2,
  ),
);
