import * as tf from '@tensorflow/tfjs-core';
import { addKernel, call, floats, replaceKernel, requireNhwc, reshape, type WasmBackend } from './heap.js';
import { swapLastTwo } from './matmul.js';
import { fold, type Geometry, unfold } from './unfold.js';

/** Values of an unfolded matrix made at a time, about: 1 MB stays in the cache until the product has read it, which halves its time. */
const CHUNK = 1 << 18;

type Shape4D = [number, number, number, number];

interface ConvAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: string;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: Shape4D;
  readonly inputShape: Shape4D;
}

/**
 * The two gradients of a 2-D convolution as matrix products over unfolded images (im2col), so that XNNPACK
 * does the arithmetic: Conv2DBackpropFilter, which TF.js lacks on wasm, and Conv2DBackpropInput, whose stock
 * kernel is a plain loop (243 ms for 128 x 8 x 8 x 50 to 128 x 12 x 12 x 20; 25 ms here).
 */
export function registerConv2dGradients(): void {
  addKernel('Conv2DBackpropFilter', ({ inputs, backend, attrs }) => {
    const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
    const conv = attrs as unknown as ConvAttributes;
    return filterGradient(backend, x, dy, geometry('Conv2DBackpropFilter', x.shape, conv.filterShape, conv));
  });
  replaceKernel('Conv2DBackpropInput', () => ({ inputs, backend, attrs }) => {
    const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
    const conv = attrs as unknown as ConvAttributes;
    const info = geometry('Conv2DBackpropInput', conv.inputShape, filter.shape, conv);
    return inputGradient(backend, dy, filter, info);
  });
}

function geometry(
  kernelName: string,
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dataFormat, dimRoundingMode }: ConvAttributes,
): tf.backend_util.Conv2DInfo {
  requireNhwc(kernelName, dataFormat);
  const [input, filter] = [inputShape as Shape4D, filterShape as Shape4D];
  return tf.backend_util.computeConv2DInfo(input, filter, strides, 1, pad, dimRoundingMode);
}

/** Images per round, rows of the unfolded matrix per image, and its columns. */
function plan(g: Geometry): { images: number; rows: number; columns: number } {
  const rows = g.outHeight * g.outWidth;
  const columns = g.filterHeight * g.filterWidth * g.inChannels;
  const images = Math.max(1, Math.min(g.batchSize, Math.floor(CHUNK / (rows * columns))));
  // Columns of the transposed matrix that lie a multiple of 1 KB apart would fight for the same places of the cache.
  const apart = images > 1 && (images * rows) % 256 === 0;
  return { images: apart ? images - 1 : images, rows, columns };
}

/** dW [K, out] = unfold(x) [K, positions] · dy [positions, out], summed over rounds of images. */
function filterGradient(
  backend: WasmBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
): tf.TensorInfo {
  const { images, rows, columns } = plan(info);
  const out = info.outChannels;
  let sum: tf.TensorInfo | undefined;
  for (let first = 0; first < info.batchSize; first += images) {
    const count = Math.min(images, info.batchSize - first);
    const unfolded = backend.makeOutput([columns, count * rows], 'float32');
    unfold(floats(backend, x), info, first, count, floats(backend, unfolded));
    const dyRows = someRows(backend, dy, first * rows, count * rows, out);
    const part = call(backend, 'BatchMatMul', { a: unfolded, b: dyRows }, NOT_TRANSPOSED);
    for (const used of [unfolded, dyRows]) backend.disposeData(used.dataId);
    if (sum) {
      const next = call(backend, 'Add', { a: sum, b: part });
      for (const used of [sum, part]) backend.disposeData(used.dataId);
      sum = next;
    } else sum = part;
  }
  if (!sum) return call(backend, 'Fill', {}, { shape: info.filterShape, value: 0, dtype: 'float32' });
  const result = reshape(backend, sum, info.filterShape);
  backend.disposeData(sum.dataId);
  return result;
}

/** dx = fold(dy [positions, out] · Wᵀ [out, K]). */
function inputGradient(
  backend: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
): tf.TensorInfo {
  const { images, rows, columns } = plan(info);
  const out = info.outChannels;
  const kernel = reshape(backend, filter, [columns, out]);
  const transposed = swapLastTwo(backend, kernel);
  backend.disposeData(kernel.dataId);
  const dx = backend.makeOutput(info.inShape, 'float32');
  floats(backend, dx).fill(0);
  for (let first = 0; first < info.batchSize; first += images) {
    const count = Math.min(images, info.batchSize - first);
    const dyRows = someRows(backend, dy, first * rows, count * rows, out);
    const product = call(backend, 'BatchMatMul', { a: dyRows, b: transposed }, NOT_TRANSPOSED);
    fold(floats(backend, product), info, first, count, floats(backend, dx));
    for (const used of [dyRows, product]) backend.disposeData(used.dataId);
  }
  backend.disposeData(transposed.dataId);
  return dx;
}

const NOT_TRANSPOSED = { transposeA: false, transposeB: false };

/** Rows `[first, first + count)` of `x` seen as a matrix of `width` columns. */
function someRows(
  backend: WasmBackend,
  x: tf.TensorInfo,
  first: number,
  count: number,
  width: number,
): tf.TensorInfo {
  const total = tf.util.sizeFromShape(x.shape) / width;
  if (count === total) return reshape(backend, x, [total, width]);
  // The stock Slice takes ten times as long.
  const rows = backend.makeOutput([count, width], 'float32');
  floats(backend, rows).set(floats(backend, x).subarray(first * width, (first + count) * width));
  return rows;
}
