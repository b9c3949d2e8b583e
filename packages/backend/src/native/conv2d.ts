import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './kernels.js';
import { type NativeBackend, nativeBackend } from './ops.js';
import { cutToUsed } from './strided-filter.js';

/** The attributes of TF.js's convolutions and of their gradients. */
interface ConvAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | [number, number][];
  readonly dataFormat: string;
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape4D = [number, number, number, number];

/**
 * Convolutions and their gradients by ops of our addon (addon/conv-ops.cc) where they take less time than oneDNN's: outputs of
 * few places, as the last layers of a net have, in 0.3 to 0.8 of the time. Which of the two it is depends on the shapes alone,
 * so a run computes the same each time. Where the addon lacks them, or the processor wide vectors, all stay TensorFlow's.
 *
 * @returns whether they are in use
 */
export function registerConv2d(): boolean {
  const backend = nativeBackend();
  if (backend.isUsingGpuDevice || !hasOps(backend)) return false;
  const run = (op: string, inputs: readonly tf.TensorInfo[], geometry: readonly number[]): tf.Tensor => {
    const numbers = tf.tensor1d(geometry as number[], 'int32');
    const result = nativeBackend().executeSingleOutput(op, [], [...inputs, numbers]);
    numbers.dispose();
    return result;
  };
  replaceKernel('Conv2D', (stock) => (args) => {
    const { x, filter } = args.inputs as Record<string, tf.TensorInfo>;
    const geometry = geometryOf(x.shape, filter.shape, args.attrs, filter.shape[3], [x, filter]);
    return geometry ? run('EspalierConv', [x, filter], geometry) : stock(args);
  });
  // Layers without activation run this one, in training too.
  replaceKernel('FusedConv2D', (stock) => (args) => {
    const { x, filter, bias } = args.inputs as Record<string, tf.TensorInfo>;
    const { activation } = args.attrs as unknown as { activation?: string };
    const plain = activation === undefined || activation === null || activation === 'linear';
    const geometry = plain && geometryOf(x.shape, filter.shape, args.attrs, filter.shape[3], [x, filter]);
    if (!geometry) return stock(args);
    const sums = run('EspalierConv', [x, filter], geometry);
    if (bias == null) return sums;
    const result = tf.add(sums, bias as tf.Tensor);
    sums.dispose();
    return result;
  });
  replaceKernel('Conv2DBackpropInput', (stock) => (args) => {
    const { dy, filter } = args.inputs as Record<string, tf.TensorInfo>;
    const { inputShape } = args.attrs as unknown as { inputShape: Shape4D };
    const geometry = geometryOf(inputShape, filter.shape, args.attrs, inputShape[3], [dy, filter]);
    return geometry ? run('EspalierConvGradX', [dy, filter], geometry) : stock(args);
  });
  replaceKernel('Conv2DBackpropFilter', (stock) => (args) => {
    const { x, dy } = args.inputs as Record<string, tf.TensorInfo>;
    const { filterShape } = args.attrs as unknown as { filterShape: Shape4D };
    const geometry = geometryOf(x.shape, filterShape, args.attrs, filterShape[3], [x, dy]);
    return geometry ? run('EspalierConvGradFilter', [x, dy], geometry) : cutToUsed(stock)(args);
  });
  return true;
}

/** As many pictures as make rows of a matrix product that is worth it. */
const enough = 16;
/** Places of an output, for filters of several places and of one: more of them are oneDNN's (bench/convolutions.mjs). */
const most = { several: 16, one: 36 };
/** Numbers in the widest vector: what the op's result has side by side comes in whole ones. */
const lanes = 16;

/** What our ops want to know of a convolution; undefined for what is left to TensorFlow. */
function geometryOf(
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: unknown,
  columns: number,
  tensors: readonly tf.TensorInfo[],
): number[] | undefined {
  const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs as ConvAttributes;
  if (dataFormat !== 'NHWC' || tensors.some(({ dtype }) => dtype !== 'float32')) return undefined;
  if (xShape[0] < enough || columns % lanes !== 0 || columns === 0 || filterShape[2] === 0) return undefined;
  const of = [xShape as Shape4D, filterShape as Shape4D] as const;
  const info = tf.backend_util.computeConv2DInfo(
    ...of,
    strides,
    dilations ?? 1,
    pad as 'same',
    dimRoundingMode,
  );
  const { inHeight, inWidth, filterHeight, filterWidth, outHeight, outWidth, padInfo } = info;
  const places = outHeight * outWidth;
  if (places === 0 || places > (filterHeight * filterWidth === 1 ? most.one : most.several)) return undefined;
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  return [
    ...[inHeight, inWidth, filterHeight, filterWidth, strideHeight, strideWidth, padInfo.top, padInfo.left],
    ...[dilationHeight, dilationWidth, outHeight, outWidth],
  ];
}

/** Whether the addon was compiled with them and the processor has wide vectors. */
function hasOps(backend: NativeBackend): boolean {
  return tf.tidy(() => {
    try {
      const inputs = [tf.tensor4d([2], [1, 1, 1, 1]), tf.tensor4d([3], [1, 1, 1, 1])];
      const geometry = tf.tensor1d([1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1], 'int32');
      return backend.executeSingleOutput('EspalierConv', [], [...inputs, geometry]).dataSync()[0] === 6;
    } catch {
      return false;
    }
  });
}
