import * as tf from '@tensorflow/tfjs-core';
import { FLAT, grid, type Kernel, launcher } from '../dispatch/kernel.js';

/** One workgroup a row; every thread takes each 64th class. */
const kernel: Kernel = {
  name: 'SoftmaxCrossEntropyWithLogits',
  writes: ['loss', 'slope'],
  reads: ['logits', 'labels'],
  params: ['rows', 'classes'],
  workgroup: [64, 1, 1],
  declarations: `
var<workgroup> shared_: array<f32, 64>;
fn largest(lane: u32, mine: f32) -> f32 {
  workgroupBarrier();
  shared_[lane] = mine;
  workgroupBarrier();
  for (var width = 32u; width > 0u; width >>= 1u) {
    if (lane < width) { shared_[lane] = max(shared_[lane], shared_[lane + width]); }
    workgroupBarrier();
  }
  return shared_[0];
}
fn total(lane: u32, mine: f32) -> f32 {
  workgroupBarrier();
  shared_[lane] = mine;
  workgroupBarrier();
  for (var width = 32u; width > 0u; width >>= 1u) {
    if (lane < width) { shared_[lane] += shared_[lane + width]; }
    workgroupBarrier();
  }
  return shared_[0];
}`,
  // -Σ y log softmax(x) with log softmax(x) = x - max - log Σ exp(x - max); its slope is softmax(x) - y.
  body: `
let row = ${FLAT};
let first = min(row, p.rows - 1u) * p.classes;
var most = -3.402823e38;
for (var c = lane; c < p.classes; c += 64u) { most = max(most, logits[first + c]); }
most = largest(lane, most);
var mine = 0.0;
for (var c = lane; c < p.classes; c += 64u) { mine += exp(logits[first + c] - most); }
let sum = total(lane, mine);
let logSum = log(sum);
mine = 0.0;
for (var c = lane; c < p.classes; c += 64u) {
  let shifted = logits[first + c] - most;
  let label = labels[first + c];
  if (label != 0.0) { mine += label * (logSum - shifted); }
  if (row < p.rows) { slope[first + c] = exp(shifted) / sum - label; }
}
let rowLoss = total(lane, mine);
if (lane == 0u && row < p.rows) { loss[row] = rowLoss; }`,
};

/**
 * Registers `SoftmaxCrossEntropyWithLogits` with inputs `{ logits, labels }`, both [rows, classes] float32, and outputs
 * `[loss [rows], gradient of the loss with respect to the logits]`, as on the native backend.
 */
export function registerCrossEntropyKernel(): void {
  const kernelName = kernel.name;
  if (tf.getKernel(kernelName, 'webgpu')) return;
  tf.registerKernel({
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs }) => {
      const { logits, labels } = inputs as { logits: tf.TensorInfo; labels: tf.TensorInfo };
      const [rows, classes] = logits.shape;
      const gpu = launcher();
      const loss = gpu.make([rows]);
      const slope = gpu.make([rows, classes]);
      if (rows > 0) gpu.run(kernel, [loss, slope, logits, labels], [rows, classes], grid(rows));
      return [loss, slope];
    },
  });
}
