/**
 * The penalty of soft weight-sharing in two other makes, for `gmm-prior.mjs`. Each takes the weights, the mixture's
 * variables (means, log-precisions, ρ; the zero component has 0.99) and the factor of the penalty.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Hyper-priors on the precisions: Gamma, of the zero component and of the others. */
export const hyper = { zeroPrecision: { a: 5e3, b: 2 }, precision: { a: 250, b: 0.1 } };

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
export function plainGraph(weights, mixture, scale) {
  const [m, g] = mixture;
  const flat = tf.concat(weights.map((w) => tf.reshape(w, [-1, 1])));
  const d = tf.sub(flat, means0(m));
  const logs = tf.add(tf.mul(tf.mul(tf.square(d), tf.exp(g)), -0.5), offsets(mixture));
  return tf.mul(tf.add(tf.neg(tf.sum(tf.logSumExp(logs, 1))), hyperLoss(mixture)), scale);
}

/** Σ r λ (w - μ) by two matrix products around a softmax; the mixture's gradients from the same r. */
export function closedForm(weights, mixture, scale) {
  const [m, g, r] = mixture;
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
  const both = tf.matMul(taken, tf.stack([lambda, tf.mul(lambda, mu)], 1)); // Σ r λ, Σ r λ μ
  const [rate, shift] = tf.split(both, 2, 1);
  const slopes = tf.mul(tf.sub(tf.mul(rate, flat), shift), scale);
  const sizes = weights.map((w) => w.size);
  const parts = tf.split(slopes, sizes).map((t, i) => tf.reshape(t, weights[i].shape));
  const [w2, w1, w0] = tf.unstack(tf.matMul(powers, taken, true)); // Σ r w², Σ r w, Σ r
  const second = tf.add(tf.sub(w2, tf.mul(tf.mul(mu, w1), 2)), tf.mul(tf.square(mu), w0));
  const prior = tf.concat([
    tf.add(tf.mul(tf.slice(lambda, 0, 1), 2), 1 - 5e3),
    tf.add(tf.mul(tf.slice(lambda, 1), 0.1), 1 - 250),
  ]);
  const dg = tf.add(tf.mul(tf.sub(tf.mul(lambda, second), w0), 0.5), prior);
  const dm = tf.slice(tf.mul(lambda, tf.sub(tf.mul(mu, w0), w1)), 1);
  const others = tf.slice(w0, 1);
  const dr = tf.sub(tf.mul(tf.softmax(r), tf.sum(others)), others);
  const gradients = [...parts, ...[dm, dg, dr].map((gradient) => tf.mul(gradient, scale))];
  return { value, gradients: new Map([...weights, ...mixture].map((v, i) => [v, gradients[i]])) };
}
