import * as tf from '@tensorflow/tfjs-core';
import { addKernel, floats, requireNhwc } from './heap.js';
import { type Geometry, validRange } from './unfold.js';

type Shape4D = [number, number, number, number];

interface DepthwiseAttributes {
  readonly strides: [number, number] | number;
  readonly dilations?: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dataFormat?: string;
  readonly filterShape: Shape4D;
  readonly inputShape: Shape4D;
}

/** The two gradients of a depthwise convolution, which TF.js lacks on wasm: plain loops on the wasm heap. */
export function registerDepthwiseGradients(): void {
  addKernel('DepthwiseConv2dNativeBackpropFilter', ({ inputs, backend, attrs }) => {
    const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
    const { filterShape } = attrs as unknown as DepthwiseAttributes;
    const info = geometry(x.shape, filterShape, attrs as unknown as DepthwiseAttributes);
    const dw = backend.makeOutput(filterShape, 'float32');
    filterGradient(floats(backend, x), floats(backend, dy), info, floats(backend, dw));
    return dw;
  });
  addKernel('DepthwiseConv2dNativeBackpropInput', ({ inputs, backend, attrs }) => {
    const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
    const { inputShape } = attrs as unknown as DepthwiseAttributes;
    const info = geometry(inputShape, filter.shape, attrs as unknown as DepthwiseAttributes);
    const dx = backend.makeOutput(inputShape, 'float32');
    inputGradient(floats(backend, dy), floats(backend, filter), info, floats(backend, dx));
    return dx;
  });
}

function geometry(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, dilations, pad, dimRoundingMode, dataFormat }: DepthwiseAttributes,
): tf.backend_util.Conv2DInfo {
  requireNhwc('the gradient of DepthwiseConv2dNative', dataFormat);
  return tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    true,
  );
}

/** Calls `visit(x, dy, w)` with the offsets of the channels of an input pixel, an output pixel and a tap. */
function eachTap(
  g: Geometry & { outChannels: number },
  visit: (x: number, dy: number, w: number) => void,
): void {
  for (let image = 0; image < g.batchSize; image++) {
    for (let ky = 0; ky < g.filterHeight; ky++) {
      const top = ky * g.dilationHeight - g.padInfo.top;
      const [yBegin, yEnd] = validRange(top, g.strideHeight, g.inHeight, g.outHeight);
      for (let kx = 0; kx < g.filterWidth; kx++) {
        const left = kx * g.dilationWidth - g.padInfo.left;
        const [xBegin, xEnd] = validRange(left, g.strideWidth, g.inWidth, g.outWidth);
        const w = (ky * g.filterWidth + kx) * g.outChannels;
        for (let oy = yBegin; oy < yEnd; oy++) {
          const row = (image * g.inHeight + oy * g.strideHeight + top) * g.inWidth + left;
          const dyRow = (image * g.outHeight + oy) * g.outWidth;
          for (let ox = xBegin; ox < xEnd; ox++) {
            visit((row + ox * g.strideWidth) * g.inChannels, (dyRow + ox) * g.outChannels, w);
          }
        }
      }
    }
  }
}

/** Output channel q belongs to input channel floor(q / multiplier), and the filter [h, w, in, multiplier] lists them so. */
function filterGradient(
  x: Float32Array,
  dy: Float32Array,
  info: tf.backend_util.Conv2DInfo,
  dw: Float32Array,
): void {
  const { inChannels, outChannels } = info;
  const multiplier = outChannels / inChannels;
  const sums = new Float64Array(dw.length); // Long sums: one over every pixel of the batch.
  eachTap(info, (xAt, dyAt, wAt) => {
    for (let c = 0, q = 0; c < inChannels; c++) {
      const value = x[xAt + c];
      for (let m = 0; m < multiplier; m++, q++) sums[wAt + q] += value * dy[dyAt + q];
    }
  });
  dw.set(sums);
}

function inputGradient(
  dy: Float32Array,
  filter: Float32Array,
  info: tf.backend_util.Conv2DInfo,
  dx: Float32Array,
): void {
  const { inChannels, outChannels } = info;
  const multiplier = outChannels / inChannels;
  dx.fill(0);
  eachTap(info, (xAt, dyAt, wAt) => {
    for (let c = 0, q = 0; c < inChannels; c++) {
      let sum = 0;
      for (let m = 0; m < multiplier; m++, q++) sum += filter[wAt + q] * dy[dyAt + q];
      dx[xAt + c] += sum;
    }
  });
}
