import * as tf from '@tensorflow/tfjs-core';
import { type Kernel, launcher } from '../dispatch/kernel.js';
import { replaceKernel } from '../dispatch/replace.js';
import { constants, type Geometry } from './geometry.js';
import { sumMiddle } from './reduce.js';

const THREADS = 256;
/** Output positions that one thread adds up, at least. */
const WORTH = 32;
const MOST_PARTS = 64;

/**
 * The gradient of a depthwise filter [height, width, channels, multiplier]: for each place in the filter (group.z) and
 * output channel the sum over output positions, one part of them per workgroup along y.
 */
function kernelOf(g: Geometry, across: number): Kernel {
  const { text, key } = constants(g);
  const down = THREADS / across;
  return {
    name: `depthwise-filter/${key}/${across}`,
    writes: ['dw'],
    reads: ['x', 'dy'],
    params: ['positions: i32', 'part: i32'],
    workgroup: [across, down, 1],
    declarations: `var<workgroup> sums: array<f32, ${THREADS}>;\n${text()}`,
    body: `
let column = i32(group.x * ${across}u + local.x);
let channel = column / (OUT_C / IN_C);
let tap_y = (i32(group.z) / F_W) * DILATION_H - TOP;
let tap_x = (i32(group.z) % F_W) * DILATION_W - LEFT;
let end = min(p.positions, i32(group.y + 1u) * p.part);
var sum = 0.0;
if (column < OUT_C) {
  for (var at = i32(group.y) * p.part + i32(local.y); at < end; at += ${down}) {
    let image = at / (OUT_H * OUT_W);
    let r = (at / OUT_W) % OUT_H * STRIDE_H + tap_y;
    let c = at % OUT_W * STRIDE_W + tap_x;
    if (r >= 0 && r < IN_H && c >= 0 && c < IN_W) {
      sum += x[((image * IN_H + r) * IN_W + c) * IN_C + channel] * dy[at * OUT_C + column];
    }
  }
}
sums[lane] = sum;
workgroupBarrier();
for (var width = ${down / 2}u; width > 0u; width >>= 1u) {
  if (local.y < width) { sums[lane] += sums[lane + width * ${across}u]; }
  workgroupBarrier();
}
if (local.y == 0u && column < OUT_C) { dw[(i32(group.y) * F_H * F_W + i32(group.z)) * OUT_C + column] = sums[lane]; }`,
  };
}

interface DepthwiseAttributes {
  readonly strides: [number, number] | number;
  readonly dilations: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: [number, number, number, number];
}

/** The gradient of depthwise filters, whose sums TF.js lets one thread add up each. */
export function registerDepthwiseGradient(): void {
  replaceKernel('DepthwiseConv2dNativeBackpropFilter', (stock) => (args) => {
    const { x, dy } = args.inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
    const { strides, dilations, pad, dimRoundingMode, filterShape } =
      args.attrs as unknown as DepthwiseAttributes;
    const shape = x.shape as [number, number, number, number];
    const g = tf.backend_util.computeConv2DInfo(
      shape,
      filterShape,
      strides,
      dilations,
      pad,
      dimRoundingMode,
      true,
    );
    const positions = g.batchSize * g.outHeight * g.outWidth;
    const taps = g.filterHeight * g.filterWidth;
    if (positions * g.outChannels === 0) return stock(args);
    let across = 1;
    while (across < g.outChannels && across < 64) across *= 2;
    const part = Math.max(Math.ceil(positions / MOST_PARTS), (THREADS / across) * WORTH);
    const parts = Math.ceil(positions / part);
    const gpu = launcher();
    const sums = gpu.make(parts === 1 ? filterShape : [parts, taps * g.outChannels]);
    gpu.run(
      kernelOf(g, across),
      [sums, x, dy],
      [positions, part],
      [Math.ceil(g.outChannels / across), parts, taps],
    );
    if (parts === 1) return sums;
    const total = sumMiddle(gpu, sums, [1, parts, taps * g.outChannels], 1, filterShape);
    gpu.backend.disposeData(sums.dataId);
    return total;
  });
}
