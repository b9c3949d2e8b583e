/**
 * A training step of the soft weight-sharing tutorial's network (642,460 weights, batch 256, Adam) without a
 * prior and with the Gaussian-mixture prior, J = 16, in three makes: a plain graph that TF.js differentiates,
 * the exact closed form in TF.js ops (weights × components), and what `@espalier/priors-gmm` ships. The
 * variants take turns, so that what else the machine does falls on all of them. Prints JSON.
 *
 *   node bench/gmm-prior.mjs [--backend native|wasm|cpu] [--rounds 8] [--steps 10]
 */
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { jsOptimizers, Run, softmaxCrossEntropy } from '@espalier/core';
import { gaussianMixturePrior, mixtureLoss } from '@espalier/priors-gmm';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { median } from './lib/numbers.mjs';

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    rounds: { type: 'string', default: '8' },
    steps: { type: 'string', default: '10' },
  },
});
const J = 16;
const BATCH = 256;
const EXAMPLES = 60_000;
const TAU = 0.003;
const scale = TAU / EXAMPLES;
const hyper = { zeroPrecision: { a: 5e3, b: 2 }, precision: { a: 250, b: 0.1 } };

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

const halfLog2Pi = 0.5 * Math.log(2 * Math.PI);
/** log π + γ/2 - log(2π)/2, [J], in TF.js ops. */
function offsets([, logPrecisions, rhos]) {
  const shares = tf.concat([tf.tensor1d([Math.log(0.99)]), tf.add(tf.logSoftmax(rhos), Math.log(0.01))]);
  return tf.sub(tf.add(shares, tf.mul(logPrecisions, 0.5)), halfLog2Pi);
}
function hyperLoss([, g]) {
  const gamma = ({ a, b }, x) => tf.sum(tf.add(tf.mul(x, 1 - a), tf.mul(tf.exp(x), b)));
  return tf.add(gamma(hyper.zeroPrecision, tf.slice(g, 0, 1)), gamma(hyper.precision, tf.slice(g, 1)));
}
const means0 = (m) => tf.concat([tf.zeros([1]), m]);

/** As one would write it: -Σ logsumexp over [n, J], differentiated by TF.js. */
function plainGraph(mixture) {
  const [m, g] = mixture;
  const flat = tf.concat(weights.map((w) => tf.reshape(w, [-1, 1])));
  const d = tf.sub(flat, means0(m));
  const logs = tf.add(tf.mul(tf.mul(tf.square(d), tf.exp(g)), -0.5), offsets(mixture));
  return tf.mul(tf.add(tf.neg(tf.sum(tf.logSumExp(logs, 1))), hyperLoss(mixture)), scale);
}

/** Σ r λ (w - μ) by two matrix products around a softmax; the mixture's gradients from the same r. */
function closedForm(mixture) {
  const [m, g, r] = mixture;
  const compute = tf.customGrad((...inputs) => {
    const save = inputs.pop();
    const mu = means0(m);
    const lambda = tf.exp(g);
    const flat = tf.concat(weights.map((w) => tf.reshape(w, [-1, 1])));
    const powers = tf.concat([tf.square(flat), flat, tf.onesLike(flat)], 1); // [n, 3]
    const a = tf.mul(lambda, -0.5);
    const b = tf.mul(lambda, mu);
    const c = tf.sub(offsets(mixture), tf.mul(tf.mul(lambda, tf.square(mu)), 0.5));
    const logs = tf.matMul(powers, tf.stack([a, b, c]));
    const most = tf.max(logs, 1, true);
    const exps = tf.exp(tf.sub(logs, most));
    const sum = tf.sum(exps, 1, true);
    const taken = tf.div(exps, sum);
    const value = tf.mul(tf.sub(hyperLoss(mixture), tf.sum(tf.add(most, tf.log(sum)))), scale);
    const moments = tf.matMul(powers, taken, true); // Σ r w², Σ r w, Σ r
    save([taken, flat, moments, mu, lambda, r]);
    return {
      value,
      gradFunc: (dy, [taken_, flat_, moments_, mu, lambda, r]) => {
        const k = tf.mul(dy, scale);
        const both = tf.matMul(taken_, tf.stack([lambda, tf.mul(lambda, mu)], 1)); // Σ r λ, Σ r λ μ
        const [rate, shift] = tf.split(both, 2, 1);
        const slopes = tf.mul(tf.sub(tf.mul(rate, flat_), shift), k);
        const parts = tf
          .split(
            slopes,
            all.map((p) => p.size),
          )
          .map((t, i) => tf.reshape(t, weights[i].shape));
        const [w2, w1, w0] = tf.unstack(moments_);
        const second = tf.add(tf.sub(w2, tf.mul(tf.mul(mu, w1), 2)), tf.mul(tf.square(mu), w0));
        const prior = tf.concat([
          tf.add(tf.mul(tf.slice(lambda, 0, 1), 2), 1 - 5e3),
          tf.add(tf.mul(tf.slice(lambda, 1), 0.1), 1 - 250),
        ]);
        const dg = tf.add(tf.mul(tf.sub(tf.mul(lambda, second), w0), 0.5), prior);
        const dm = tf.slice(tf.mul(lambda, tf.sub(tf.mul(mu, w0), w1)), 1);
        const others = tf.slice(w0, 1);
        const dr = tf.sub(tf.mul(tf.softmax(r), tf.sum(others)), others);
        return [...parts, tf.mul(dm, k), tf.mul(dg, k), tf.mul(dr, k)];
      },
    };
  });
  return compute(...weights, ...mixture);
}

const optimizers = backend.optimizers ?? jsOptimizers;
const at = { epoch: 0, step: 1, stepsPerEpoch: 235, start: 0, end: 30, every: 1, index: 1, count: 7050 };

/** Makes a training step, and the gradients of the penalty alone. */
function variant(kind, state) {
  const prior = gaussianMixturePrior({
    components: J,
    tau: TAU,
    examples: EXAMPLES,
    means: state.means,
    frames: false,
  });
  prior.start(run, all);
  const mixture = prior.trainables().flatMap((group) => group.variables);
  put1d(mixture[1], state.logPrecisions);
  const penalties = {
    none: undefined,
    'plain graph': () => plainGraph(mixture),
    'exact closed form': () => closedForm(mixture),
    shipped: () => prior.penalty(all, { at, labels, inputs: images }),
  };
  const penalty = penalties[kind];
  const extra = penalty === undefined ? [] : mixture;
  // Rates so small that the weights stay what they are.
  const optimizer = optimizers.adam([
    { name: 'all', variables: [...weights, ...extra], learningRate: 1e-12 },
  ]);
  return {
    step() {
      const { value, grads } = tf.variableGrads(() => {
        const loss = softmaxCrossEntropy(labels, model.apply(images, { training: true }));
        return penalty === undefined ? loss : tf.add(loss, penalty());
      }, [...weights, ...extra]);
      optimizer.step(grads);
      tf.dispose([value, grads]);
    },
    errors() {
      const { value, grads } = tf.variableGrads(penalty, [...weights, ...mixture]);
      const exact = mixtureLoss(
        prior.mixtures().get('all'),
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
      const of = (variable) => Array.from(grads[variable.name].dataSync());
      const result = {
        weights: relative(weights.flatMap(of), exact.weights),
        means: relative(of(mixture[0]), exact.means),
        logPrecisions: relative(of(mixture[1]), exact.logPrecisions),
        logShares: relative(of(mixture[2]), exact.rhos),
      };
      tf.dispose([value, grads]);
      return result;
    },
    dispose() {
      optimizer.dispose();
      prior.dispose();
    },
  };
}

const round = (x) => Number(x.toFixed(2));
const rounds = Number(values.rounds);
const steps = Number(values.steps);
const results = {};
for (const [name, state] of Object.entries(states)) {
  put(state.weights);
  const kinds = ['none', 'plain graph', 'exact closed form', 'shipped'];
  const variants = kinds.map((kind) => variant(kind, state));
  const times = kinds.map(() => []);
  for (const v of variants) v.step();
  const tensors = tf.memory().numTensors;
  for (let round = 0; round < rounds; round++) {
    for (const [i, v] of variants.entries()) {
      v.step(); // the caches are another variant's
      const n = kinds[i] === 'none' || kinds[i] === 'shipped' ? steps : Math.max(1, steps / 5);
      for (let k = 0; k < n; k++) {
        const began = performance.now();
        v.step();
        times[i].push(performance.now() - began);
      }
    }
  }
  if (tf.memory().numTensors !== tensors) throw new Error('a step leaks tensors');
  const plain = median(times[0]);
  results[name] = kinds.map((kind, i) => ({
    prior: kind,
    medianMs: round(median(times[i])),
    leastMs: round(Math.min(...times[i])),
    timesTheStepWithout: round(median(times[i]) / plain),
    ...(kind !== 'none' && { relativeGradientErrors: variants[i].errors() }),
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
