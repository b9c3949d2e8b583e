import * as tf from '@tensorflow/tfjs-core';
import { elementwise, elementwiseGrid, FLAT, grid, type Kernel } from '../dispatch/kernel.js';
import { registerKernel } from './register.js';
import { totalOf } from './total.js';

const THREADS = 64;

/** One workgroup a group: Σ (μ² + σ²), how many weights there are, Σ log σ². */
const rows: Kernel = {
  name: 'EspalierPosteriorSums',
  writes: ['energy', 'count', 'logs'],
  reads: ['mean', 'variance', 'logVariance', 'mask', 'most'],
  params: ['rows', 'columns', 'masked'],
  workgroup: [THREADS, 1, 1],
  declarations: totalOf(THREADS),
  body: `
let row = ${FLAT};
if (row >= p.rows) { return; }
var sums = vec3f(0.0);
for (var c = lane; c < p.columns; c += ${THREADS}u) {
  let i = row * p.columns + c;
  let kept = select(1.0, mask[i], p.masked != 0u);
  sums += kept * vec3f(mean[i] * mean[i] + variance[i], 1.0, min(logVariance[i], most[0]));
}
sums = vec3f(total(lane, sums.x), total(lane, sums.y), total(lane, sums.z));
if (lane == 0u) {
  energy[row] = sums.x;
  count[row] = sums.y;
  logs[row] = sums.z;
}`,
};

/** One workgroup: what is left of the KL without the groups' scales. */
const rest: Kernel = {
  name: 'EspalierPosteriorSums/rest',
  writes: ['rest'],
  reads: ['logs'],
  params: ['rows'],
  workgroup: [THREADS, 1, 1],
  declarations: totalOf(THREADS),
  body: `
var mine = 0.0;
for (var r = lane; r < p.rows; r += ${THREADS}u) { mine += logs[r]; }
mine = total(lane, mine);
if (lane == 0u) { rest[0] = -0.5 * mine; }`,
};

/** And with that of biases, and its slopes; those that lead above the greatest log σ² are 0. */
const restWithBias: Kernel = {
  ...rest,
  name: 'EspalierPosteriorSums/rest with bias',
  writes: ['rest', 'byBias', 'byLog'],
  reads: ['logs', 'bias', 'biasLogVariance', 'mask', 'most'],
  params: ['rows', 'biases', 'masked'],
  body: `
var mine = 0.0;
for (var r = lane; r < p.rows; r += ${THREADS}u) { mine += logs[r]; }
for (var i = lane; i < p.biases; i += ${THREADS}u) {
  let kept = select(1.0, mask[i], p.masked != 0u);
  let b = bias[i];
  let log_ = min(biasLogVariance[i], most[0]);
  let variance = exp(log_);
  mine += kept * (log_ + 1.0 - b * b - variance);
  byBias[i] = kept * b;
  let slope = 0.5 * kept * (variance - 1.0);
  byLog[i] = select(slope, 0.0, biasLogVariance[i] >= most[0] && slope < 0.0);
}
mine = total(lane, mine);
if (lane == 0u) { rest[0] = -0.5 * mine; }`,
};

const byMean: Kernel = elementwise({
  name: 'EspalierPosteriorSlopes/mean',
  writes: ['y'],
  reads: ['mean', 'mask', 'rate', 'factor'],
  params: ['columns', 'masked'],
  body: `
let kept = select(1.0, mask[i], p.masked != 0u);
y[i] = kept * mean[i] * (factor[0] * rate[i / p.columns]);`,
});

const byLogVariance: Kernel = elementwise({
  name: 'EspalierPosteriorSlopes/log variance',
  writes: ['y'],
  reads: ['variance', 'logVariance', 'mask', 'rate', 'factor', 'most'],
  params: ['columns', 'masked'],
  body: `
let kept = select(1.0, mask[i], p.masked != 0u);
let slope = 0.5 * kept * (variance[i] * (factor[0] * rate[i / p.columns]) - factor[0]);
y[i] = select(slope, 0.0, logVariance[i] >= most[0] && slope < 0.0);`,
});

/** The mask or, where there is none, something else to bind; and whether there is one. */
function maskOr(mask: tf.TensorInfo, other: tf.TensorInfo): [tf.TensorInfo, number] {
  return tf.util.sizeFromShape(mask.shape) > 0 ? [mask, 1] : [other, 0];
}

/**
 * Registers `EspalierPosteriorSums` and `EspalierPosteriorSlopes`, a dense layer's Gaussian posterior in its KL
 * divergence, as on the native backend; `@espalier/bayesian-layers` says what they are given and give.
 */
export function registerPosterior(): void {
  registerKernel(rows.name, (gpu, inputs) => {
    const { mean, variance, logVariance, bias, biasLogVariance, most } = inputs;
    const [groups, columns] = mean.shape;
    const biases = tf.util.sizeFromShape(bias.shape);
    const [energy, count, logs] = [0, 1, 2].map(() => gpu.make([groups]));
    const [value, slope, logSlope] = [gpu.make([1]), gpu.make([biases]), gpu.make([biases])];
    const [mask, masked] = maskOr(inputs.mask, mean);
    const given = [energy, count, logs, mean, variance, logVariance, mask, most];
    gpu.run(rows, given, [groups, columns, masked], grid(groups));
    if (biases === 0) gpu.run(rest, [value, logs], [groups], [1, 1, 1]);
    else {
      const [biasMask, biasMasked] = maskOr(inputs.biasMask, bias);
      const tensors = [value, slope, logSlope, logs, bias, biasLogVariance, biasMask, most];
      gpu.run(restWithBias, tensors, [groups, biases, biasMasked], [1, 1, 1]);
    }
    gpu.backend.disposeData(logs.dataId);
    return [energy, count, value, slope, logSlope];
  });
  registerKernel('EspalierPosteriorSlopes', (gpu, inputs) => {
    const { mean, variance, logVariance, rate, factor, most } = inputs;
    const size = tf.util.sizeFromShape(mean.shape);
    const [mask, masked] = maskOr(inputs.mask, mean);
    const numbers = [size, mean.shape[1], masked];
    const [first, second] = [gpu.make(mean.shape), gpu.make(mean.shape)];
    gpu.run(byMean, [first, mean, mask, rate, factor], numbers, elementwiseGrid(size));
    const tensors = [second, variance, logVariance, mask, rate, factor, most];
    gpu.run(byLogVariance, tensors, numbers, elementwiseGrid(size));
    return [first, second];
  });
}
