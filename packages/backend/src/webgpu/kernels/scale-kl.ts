import { elementwise, elementwiseGrid, type Kernel } from '../dispatch/kernel.js';
import { registerKernel } from './register.js';
import { totalOf } from './total.js';

const THREADS = 256;

/** Molchanov, Ashukha & Vetrov (2017), eq. 14. */
const [K1, K2, K3] = [0.63576, 1.8732, 1.48695];

/** One workgroup: a layer has some thousands of groups at most. */
const jeffreys: Kernel = {
  name: 'EspalierJeffreysKl',
  writes: ['value', 'rate', 'slope'],
  reads: ['logRate', 'energy', 'size'],
  params: ['groups'],
  workgroup: [THREADS, 1, 1],
  declarations: `${totalOf(THREADS)}
fn logistic(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}
fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  return max(x, 0.0) + select(log(1.0 + e), e - 0.5 * e * e, e < 1e-3);
}`,
  body: `
var mine = 0.0;
for (var i = lane; i < p.groups; i += ${THREADS}u) {
  rate[i] = 0.0;
  slope[i] = 0.0;
  if (size[i] <= 0.0) { continue; }
  let x = logRate[i];
  let y = ${K2} + ${K3} * x;
  let fall = logistic(-y);
  let square = energy[i] / max(1.0, size[i]) + 1e-20;
  mine += ${K1} * fall + 0.5 * softplus(-x) + 0.5 * (energy[i] / square + size[i] * (log(square) - 1.0));
  slope[i] = -${K1} * ${K3} * logistic(y) * fall - 0.5 * logistic(-x);
  rate[i] = 1.0 / square;
}
let sum = total(lane, mine);
if (lane == 0u) { value[0] = sum; }`,
};

/** 1/z² of each group of a horseshoe, with log z² = Σ μ + Σ σ²/4. */
const rates: Kernel = elementwise({
  name: 'EspalierHorseshoeKl/rates',
  writes: ['rate'],
  reads: ['layer', 'alpha', 'alphaLog', 'beta', 'betaLog', 'count'],
  params: [],
  body: `
let means = layer[0] + layer[2] + alpha[i] + beta[i];
let spreads = 0.25 * (exp(layer[1]) + exp(layer[3]) + exp(alphaLog[i]) + exp(betaLog[i]));
rate[i] = select(0.0, 1.0 / (exp(means + spreads) + 1e-30), count[i] > 0.0);`,
});

/**
 * log k + exp(±μ + σ²/2) / k² - ½ (±μ + log σ² + 1 + log 2) with its slopes by μ and log σ², and a quarter of the
 * variance.
 */
const logNormal = `
fn logNormal(mean: f32, logVariance: f32, sign: f32, logScale: f32) -> vec4f {
  let half = 0.5 * exp(logVariance);
  let rise = exp(sign * mean + half - logScale);
  let value = 0.5 * logScale + rise - 0.5 * (sign * mean + logVariance + 1.0 + ${Math.LN2});
  return vec4f(value, sign * (rise - 0.5), rise * half - 0.5, 0.5 * half);
}`;

/** The slopes by the scales of one kind (sign 1: α, -1: β), and what they cost; the second is added to the first. */
const scales: Kernel = elementwise({
  name: 'EspalierHorseshoeKl/scales',
  writes: ['own', 'byMean', 'byLog'],
  reads: ['mean', 'logVariance', 'rate', 'energy', 'count'],
  params: ['sign: f32'],
  declarations: logNormal,
  body: `
let is = count[i] > 0.0;
let found = logNormal(mean[i], logVariance[i], p.sign, 0.0);
let slope = 0.5 * (count[i] - energy[i] * rate[i]); // d/d log z² of the weights' part
byMean[i] = select(0.0, found.y + slope, is);
byLog[i] = select(0.0, found.z + slope * found.w, is);
let before = select(own[i], 0.0, p.sign > 0.0);
own[i] = before + select(0.0, found.x, is);`,
});

/** The value, and the slopes by the layer's own scales. */
const layer: Kernel = {
  name: 'EspalierHorseshoeKl/layer',
  writes: ['value', 'byLayer'],
  reads: ['own', 'rate', 'energy', 'count', 'layer', 'logTau'],
  params: ['groups'],
  workgroup: [THREADS, 1, 1],
  declarations: `${logNormal}${totalOf(THREADS)}`,
  body: `
var mine = 0.0;
var slope = 0.0;
for (var i = lane; i < p.groups; i += ${THREADS}u) {
  if (count[i] <= 0.0) { continue; }
  let ratio = energy[i] * rate[i];
  mine += own[i] + 0.5 * (ratio - count[i] * (log(rate[i]) + 1.0));
  slope += 0.5 * (count[i] - ratio);
}
mine = total(lane, mine);
slope = total(lane, slope);
if (lane == 0u) {
  let a = logNormal(layer[0], layer[1], 1.0, 2.0 * logTau[0]);
  let b = logNormal(layer[2], layer[3], -1.0, 0.0);
  value[0] = mine + a.x + b.x;
  byLayer[0] = a.y + slope;
  byLayer[1] = a.z + slope * a.w;
  byLayer[2] = b.y + slope;
  byLayer[3] = b.z + slope * b.w;
}`,
};

/**
 * Registers `EspalierJeffreysKl` and `EspalierHorseshoeKl`, the KL divergence of group scales with its gradients, as on
 * the native backend; `@espalier/bayesian-layers` says what they are given and give. No program has more than the eight
 * buffers that every adapter gives.
 */
export function registerScaleKl(): void {
  registerKernel(jeffreys.name, (gpu, { logRate, energy, size }) => {
    const [groups] = logRate.shape;
    const outputs = [gpu.make([1]), gpu.make([groups]), gpu.make([groups])];
    gpu.run(jeffreys, [...outputs, logRate, energy, size], [groups], [1, 1, 1]);
    return outputs;
  });
  registerKernel('EspalierHorseshoeKl', (gpu, inputs) => {
    const { global, alpha_mean, alpha_log_variance, beta_mean, beta_log_variance } = inputs;
    const { energy, size, logTau } = inputs;
    const [groups] = size.shape;
    const [value, byLayer] = [gpu.make([1]), gpu.make([4])];
    const [rate, own, ...slopes] = Array.from({ length: 6 }, () => gpu.make([groups]));
    const [alpha, beta] = [
      [alpha_mean, alpha_log_variance],
      [beta_mean, beta_log_variance],
    ];
    const shape = elementwiseGrid(groups);
    gpu.run(rates, [rate, global, ...alpha, ...beta, size], [groups], shape);
    const weights = [rate, energy, size];
    gpu.run(scales, [own, ...slopes.slice(0, 2), ...alpha, ...weights], [groups, 1], shape);
    gpu.run(scales, [own, ...slopes.slice(2), ...beta, ...weights], [groups, -1], shape);
    gpu.run(layer, [value, byLayer, own, ...weights, global, logTau], [groups], [1, 1, 1]);
    gpu.backend.disposeData(own.dataId);
    return [value, rate, byLayer, ...slopes];
  });
}
