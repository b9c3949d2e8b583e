import * as tf from '@tensorflow/tfjs-core';
import { elementwise, elementwiseGrid, type Kernel, launcher } from '../dispatch/kernel.js';
import { replaceKernel } from '../dispatch/replace.js';
import { constants, type Geometry } from './geometry.js';

interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * One input pixel a thread: of each window that it lies in, it gets the gradient when nothing before it is as large
 * and nothing behind it larger.
 */
function kernelOf(g: Geometry): Kernel {
  const { text, key } = constants(g);
  return elementwise({
    name: `max-pool/${key}`,
    writes: ['dx'],
    reads: ['x', 'dy'],
    params: [],
    declarations: text(),
    body: `
let at = i32(i);
let channel = at % IN_C;
let column = (at / IN_C) % IN_W;
let row = (at / (IN_C * IN_W)) % IN_H;
let image = at / (IN_C * IN_W * IN_H);
let value = x[at];
var sum = 0.0;
// Windows begin at o * stride - pad and have F rows: those with row - F < begin <= row.
let first_y = max(0, (row + TOP - F_H + STRIDE_H) / STRIDE_H);
let first_x = max(0, (column + LEFT - F_W + STRIDE_W) / STRIDE_W);
for (var oy = first_y; oy < OUT_H && oy * STRIDE_H - TOP <= row; oy++) {
  for (var ox = first_x; ox < OUT_W && ox * STRIDE_W - LEFT <= column; ox++) {
    var mine = true;
    for (var dy_ = 0; dy_ < F_H; dy_++) {
      let r = oy * STRIDE_H - TOP + dy_;
      if (r < 0 || r >= IN_H) { continue; }
      for (var dx_ = 0; dx_ < F_W; dx_++) {
        let c = ox * STRIDE_W - LEFT + dx_;
        if (c < 0 || c >= IN_W) { continue; }
        let other = x[((image * IN_H + r) * IN_W + c) * IN_C + channel];
        let before = r < row || (r == row && c < column);
        if (other > value || (before && other == value)) { mine = false; }
      }
    }
    if (mine) { sum += dy[((image * OUT_H + oy) * OUT_W + ox) * IN_C + channel]; }
  }
}
dx[i] = sum;`,
  });
}

/**
 * The gradient of max-pooling in one program. Among equal maxima the first one, row by row, gets it, as on the CPU and
 * in TensorFlow; TF.js's own on WebGPU takes the last.
 */
export function registerMaxPoolGradient(): void {
  replaceKernel('MaxPoolGrad', (stock) => (args) => {
    const { dy, input } = args.inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
    const { filterSize, strides, pad, dimRoundingMode } = args.attrs as unknown as PoolAttributes;
    const shape = input.shape as [number, number, number, number];
    const size = tf.util.sizeFromShape(shape);
    if (size === 0) return stock(args);
    const g = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
    const gpu = launcher();
    const dx = gpu.make(shape);
    gpu.run(kernelOf(g), [dx, input, dy], [size], elementwiseGrid(size));
    return dx;
  });
}
