import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './kernels.js';
import { attributes, type NativeBackend, nativeBackend, type OpAttribute } from './ops.js';

/** The attributes of TF.js's MaxPool and MaxPoolGrad kernels. */
interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Max-pooling by oneDNN's kernels, which the x86 builds of TensorFlow carry (`_MklNativeMaxPool`,
 * `_MklNativeMaxPoolGrad`) and which its eager runtime does not choose by itself: forward 0.33 instead of
 * 0.86 ms and backward 0.72 instead of 4.9 ms for 128 x 24 x 24 x 20, pool 2. The results are the stock ones,
 * and among equal maxima the gradient goes to the first, as in stock TensorFlow. Where the kernels are missing
 * (other processors, GPU, a build without oneDNN) the stock ones stay.
 *
 * @returns whether they are in use
 */
export function registerMaxPool(): boolean {
  const backend = nativeBackend();
  if (backend.isUsingGpuDevice || !works(backend)) return false;
  replaceKernel('MaxPool', (stock) => (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    const op = poolOp(backend, x, args.attrs as unknown as PoolAttributes);
    if (!op) return stock(args);
    const [y, workspace] = pool(backend, op, x);
    workspace.dispose();
    return y;
  });
  replaceKernel('MaxPoolGrad', (stock) => (args) => {
    const { dy, input } = args.inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
    const op = poolOp(backend, input, args.attrs as unknown as PoolAttributes);
    if (!op || dy.dtype !== 'float32') return stock(args);
    // The workspace (where each maximum came from) is made again: TF.js's gradient does not keep it.
    const [y, workspace] = pool(backend, op, input);
    const dx = backend.executeSingleOutput('_MklNativeMaxPoolGrad', op, [input, y, dy, workspace]);
    tf.dispose([y, workspace]);
    return dx;
  });
  return true;
}

function pool(backend: NativeBackend, op: OpAttribute[], x: tf.TensorInfo): tf.Tensor[] {
  return backend.executeMultipleOutputs('_MklNativeMaxPool', op, [x], 2);
}

/** The op's attributes, or undefined for a case that is left to the stock kernel. */
function poolOp(backend: NativeBackend, x: tf.TensorInfo, attrs: PoolAttributes): OpAttribute[] | undefined {
  if (x.dtype !== 'float32') return undefined;
  const shape = x.shape as [number, number, number, number];
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  if (info.padInfo.type !== 'VALID' && info.padInfo.type !== 'SAME') return undefined;
  const make = attributes(backend.binding);
  return [
    make.type('T', 'float32'),
    make.int('ksize', [1, info.filterHeight, info.filterWidth, 1]),
    make.int('strides', [1, info.strideHeight, info.strideWidth, 1]),
    make.string('padding', info.padInfo.type),
    make.string('data_format', 'NHWC'),
    make.bool('workspace_enabled', true),
    make.string('_kernel', 'MklNameChangeOp'), // The label under which TensorFlow registers these kernels.
  ];
}

/** Whether this TensorFlow has the kernels: asked with two windows, one of them with a tie. */
function works(backend: NativeBackend): boolean {
  return tf.tidy(() => {
    try {
      const x = tf.tensor4d([1, 2, 2, 0, 3, 3, 0, 0], [1, 2, 4, 1]);
      const op = poolOp(backend, x, { filterSize: 2, strides: 2, pad: 'valid' })!;
      const [y, workspace] = pool(backend, op, x);
      const dy = tf.tensor4d([5, 7], [1, 1, 2, 1]);
      const dx = backend.executeSingleOutput('_MklNativeMaxPoolGrad', op, [x, y, dy, workspace]);
      return y.dataSync().join() === '3,2' && dx.dataSync().join() === '0,0,7,0,5,0,0,0';
    } catch {
      return false;
    }
  });
}
