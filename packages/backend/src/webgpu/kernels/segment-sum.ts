import * as tf from '@tensorflow/tfjs-core';
import { type Kernel, launcher } from '../dispatch/kernel.js';
import { replaceKernel } from '../dispatch/replace.js';

const THREADS = 256;

/** One workgroup a segment and block of columns: it looks through all ids, `across` threads wide. */
function kernelOf(across: number): Kernel {
  const down = THREADS / across;
  return {
    name: `segment-sum/${across}`,
    writes: ['y'],
    reads: ['x', 'ids: i32'],
    params: ['segments', 'length', 'width'],
    workgroup: [across, down, 1],
    declarations: `var<workgroup> sums: array<f32, ${THREADS}>;`,
    body: `
let column = group.x * ${across}u + local.x;
for (var segment = group.y; segment < p.segments; segment += groups.y) {
  var sum = 0.0;
  if (column < p.width) {
    for (var row = local.y; row < p.length; row += ${down}u) {
      if (ids[row] == i32(segment)) { sum += x[row * p.width + column]; }
    }
  }
  sums[lane] = sum;
  workgroupBarrier();
  for (var width = ${down / 2}u; width > 0u; width >>= 1u) {
    if (local.y < width) { sums[lane] += sums[lane + width * ${across}u]; }
    workgroupBarrier();
  }
  if (local.y == 0u && column < p.width) { y[segment * p.width + column] = sums[lane]; }
  workgroupBarrier();
}`,
  };
}

/**
 * UnsortedSegmentSum, the gradient of a lookup and of shared weights, without TF.js's atomic additions, whose order is
 * another in every run. Ids outside of [0, numSegments) are left out, as in TensorFlow.
 */
export function registerSegmentSum(): void {
  replaceKernel('UnsortedSegmentSum', (stock) => (args) => {
    const { x, segmentIds } = args.inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
    const { numSegments } = args.attrs as unknown as { numSegments: number };
    const rest = x.shape.slice(segmentIds.shape.length);
    const [length, width] = [tf.util.sizeFromShape(segmentIds.shape), tf.util.sizeFromShape(rest)];
    if (x.dtype !== 'float32') return stock(args);
    const gpu = launcher();
    if (length * width * numSegments === 0) {
      // Nothing to look up, as in a codebook of no values but 0: TF.js's refuses that.
      const none = new Float32Array(numSegments * width);
      return gpu.backend.makeTensorInfo([numSegments, ...rest], 'float32', none);
    }
    const y = gpu.make([numSegments, ...rest]);
    let across = 1;
    while (across < width && across < 64) across *= 2;
    const groups = [Math.ceil(width / across), Math.min(numSegments, 65535), 1] as const;
    gpu.run(kernelOf(across), [y, x, segmentIds], [numSegments, length, width], groups);
    return y;
  });
}
