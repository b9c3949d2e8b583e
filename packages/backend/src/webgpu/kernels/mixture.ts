import * as tf from '@tensorflow/tfjs-core';
import { FLAT, grid, type Kernel } from '../dispatch/kernel.js';
import { registerKernel } from './register.js';
import { totalOf } from './total.js';

const THREADS = 64;
/** Weights that a thread looks at. */
const EACH = 16;
const BLOCK = THREADS * EACH;

/** log π p of component j in a weight, but for what is common to all. */
const declarations = `
fn logOf(j: u32, w: f32) -> f32 {
  let d = w - means[j];
  return offsets[j] - 0.5 * precisions[j] * d * d;
}`;

/**
 * One workgroup a block of weights: their slopes, and a row of sums: -log p, how many component 0 takes most of, the
 * exact zeros, and of each component r, r d and r d² with d = w - μ. Zeros are only counted: all are alike, and most are
 * pruned, so that there would be little left of large sums.
 */
const look: Kernel = {
  name: 'EspalierMixture',
  writes: ['slope', 'rows'],
  reads: ['w', 'means', 'offsets', 'precisions', 'scale'],
  params: ['size', 'components', 'first', 'blocks'],
  workgroup: [THREADS, 1, 1],
  declarations: `${declarations}${totalOf(THREADS)}`,
  body: `
let block = ${FLAT};
if (block >= p.blocks) { return; }
var logs: array<f32, ${EACH}>;
var taking: array<f32, ${EACH}>;
var loss = 0.0;
var zeros = 0.0;
var exact = 0.0;
for (var k = 0u; k < ${EACH}u; k++) {
  let i = block * ${BLOCK}u + k * ${THREADS}u + lane;
  taking[k] = 0.0;
  if (i >= p.size) { continue; }
  let x = w[i];
  let zero = logOf(0u, x);
  var most = zero;
  for (var j = 1u; j < p.components; j++) { most = max(most, logOf(j, x)); }
  var sum = 0.0;
  var slope_ = 0.0;
  for (var j = 0u; j < p.components; j++) {
    let e = exp(logOf(j, x) - most);
    sum += e;
    slope_ += e * precisions[j] * (x - means[j]);
  }
  slope[i] = scale[0] * slope_ / sum;
  logs[k] = most + log(sum);
  if (x == 0.0) {
    exact += 1.0;
  } else {
    taking[k] = 1.0;
    loss -= logs[k];
    zeros += select(0.0, 1.0, zero >= most);
  }
}
let row = (p.first + block) * (3u + 3u * p.components);
loss = total(lane, loss);
zeros = total(lane, zeros);
exact = total(lane, exact);
if (lane == 0u) {
  rows[row] = loss;
  rows[row + 1u] = zeros;
  rows[row + 2u] = exact;
}
for (var j = 0u; j < p.components; j++) {
  var moments = vec3f(0.0);
  for (var k = 0u; k < ${EACH}u; k++) {
    if (taking[k] == 0.0) { continue; }
    let x = w[block * ${BLOCK}u + k * ${THREADS}u + lane];
    let r = exp(logOf(j, x) - logs[k]);
    let d = x - means[j];
    moments += vec3f(r, r * d, r * d * d);
  }
  for (var m = 0u; m < 3u; m++) {
    let sum = total(lane, moments[m]);
    if (lane == 0u) { rows[row + 3u + m * p.components + j] = sum; }
  }
}`,
};

/** One workgroup a sum: adds up its column, and what zeros that are not held are worth. */
const gather: Kernel = {
  name: 'EspalierMixture/sums',
  writes: ['sums'],
  reads: ['rows', 'means', 'offsets', 'precisions', 'held'],
  params: ['components', 'rows_'],
  workgroup: [THREADS, 1, 1],
  declarations: `${declarations}${totalOf(THREADS)}`,
  body: `
let column = group.x;
let width = 3u + 3u * p.components;
let at = select(column + 1u, column, column < 2u);
var mine = 0.0;
var exact = 0.0;
for (var r = lane; r < p.rows_; r += ${THREADS}u) {
  mine += rows[r * width + at];
  exact += rows[r * width + 2u];
}
mine = total(lane, mine);
exact = total(lane, exact);
if (lane == 0u) {
  var most = logOf(0u, 0.0);
  for (var j = 1u; j < p.components; j++) { most = max(most, logOf(j, 0.0)); }
  var sum = 0.0;
  for (var j = 0u; j < p.components; j++) { sum += exp(logOf(j, 0.0) - most); }
  var worth = -(most + log(sum));
  if (column == 1u) { worth = select(0.0, 1.0, logOf(0u, 0.0) >= most); }
  if (column >= 2u) {
    let j = (column - 2u) % p.components;
    worth = exp(logOf(j, 0.0) - most) / sum;
    for (var power = (column - 2u) / p.components; power > 0u; power--) { worth *= -means[j]; }
  }
  sums[column] = mine + (exact - held[0]) * worth;
}`,
};

/**
 * Registers `EspalierMixture`, soft weight-sharing's closed form, as on the native backend; `@espalier/priors-gmm` says
 * what it is given and gives. Every weight is looked at by itself, without a table.
 */
export function registerMixture(): void {
  registerKernel(look.name, (gpu, inputs) => {
    const { means, offsets, precisions, held, scale } = inputs;
    const [components] = means.shape;
    const weights: tf.TensorInfo[] = [];
    for (let i = 0; inputs[`w${i}`] !== undefined; i++) weights.push(inputs[`w${i}`]);
    const sizes = weights.map(({ shape }) => tf.util.sizeFromShape(shape));
    const blocks = sizes.map((size) => Math.ceil(size / BLOCK));
    const all = blocks.reduce((a, b) => a + b, 0);
    const sums = gpu.make([2 + 3 * components]);
    const rows = gpu.make([Math.max(1, all), 3 + 3 * components]);
    let first = 0;
    const slopes = weights.map((w, i) => {
      const slope = gpu.make(w.shape);
      if (blocks[i] === 0) return slope;
      const tensors = [slope, rows, w, means, offsets, precisions, scale];
      gpu.run(look, tensors, [sizes[i], components, first, blocks[i]], grid(blocks[i]));
      first += blocks[i];
      return slope;
    });
    const given = [sums, rows, means, offsets, precisions, held];
    gpu.run(gather, given, [components, all], [2 + 3 * components, 1, 1]);
    gpu.backend.disposeData(rows.dataId);
    return [sums, ...slopes];
  });
}
