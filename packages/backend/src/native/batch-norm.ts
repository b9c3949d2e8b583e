import * as tf from '@tensorflow/tfjs-core';
import { replaceGradient } from '../gradients.js';
import { attributes, type NativeBackend, nativeBackend, type OpAttribute } from './ops.js';

const [FORWARD, BACKWARD] = ['FusedBatchNormV3', 'FusedBatchNormGradV3'];

/** Of our addon (addon/batch-norm-ops.cc): the same in training, in half the time; a ReLU beside one goes into it (replay/fuse.ts). */
const [OWN, OWN_GRADIENT] = ['EspalierBatchNorm', 'EspalierBatchNormGrad'];

interface NormAttributes {
  readonly epsilon: number;
  /** Whether mean and variance are those of the batch, and move with it. */
  readonly training: boolean;
}

/**
 * Registers TensorFlow's batch normalisation over the last axis, of float32 [rows…, channels], under its own names:
 * `FusedBatchNormV3` with inputs `{ x, scale, offset }` and outputs `[y, mean, variance]`, both of the batch (the variance
 * divides by the number of rows), and `FusedBatchNormGradV3` with `{ dy, x, scale, offset, mean, variance }` to the gradients of
 * `[x, scale, offset]`. TF.js composes both, of fifteen and of thirty ops. In training both are ops of our addon where it has them. Where TensorFlow is asked for moments that are
 * not the batch's, as frozen layers do, its gradient comes from there too. On a GPU, and where the kernels are missing,
 * TF.js's ways stay.
 *
 * @returns whether they are in use
 */
export function registerBatchNorm(): boolean {
  const backend = nativeBackend();
  if (tf.getKernel(FORWARD, 'tensorflow')) return true;
  if (backend.isUsingGpuDevice || !works(backend, false)) return false;
  const own = works(backend, true);
  const backendName = 'tensorflow';
  tf.registerKernel({
    kernelName: FORWARD,
    backendName,
    kernelFunc: ({ inputs, attrs }) =>
      forward(backend, inputs as Record<string, tf.TensorInfo>, attrs as unknown as NormAttributes, own),
  });
  tf.registerKernel({
    kernelName: BACKWARD,
    backendName,
    kernelFunc: ({ inputs, attrs }) =>
      backward(backend, inputs as Record<string, tf.TensorInfo>, attrs as unknown as NormAttributes, own),
  });
  tf.registerGradient({
    kernelName: FORWARD,
    inputsToSave: ['x', 'scale', 'offset'],
    outputsToSave: [false, true, true],
    gradFunc: (dys, [x, scale, offset, mean, variance], attrs) => {
      // The moments go nowhere but into a layer's averages.
      const [dy] = dys as tf.Tensor[];
      const inputs = { dy, x, scale, offset, mean, variance };
      const [dx, dScale, dOffset] = tf.engine().runKernel(BACKWARD, inputs, attrs) as unknown as tf.Tensor[];
      return { x: () => dx, scale: () => dScale, offset: () => dOffset };
    },
  });
  replaceGradient('FusedBatchNorm', (dy, saved, attrs) => ofGivenMoments(dy, saved, attrs));
  return true;
}

/** The gradients of TF.js's kernel, which is given the moments. */
function ofGivenMoments(
  dy: tf.Tensor,
  [x, mean, variance, scale]: tf.Tensor[],
  attrs: tf.NamedAttrMap,
): Record<string, () => tf.Tensor> | undefined {
  const { varianceEpsilon: epsilon } = attrs as unknown as { varianceEpsilon: number };
  const all = [dy, x, mean, variance, scale];
  const fits = mean.rank === 1 && x.size > 0 && all.every(({ dtype }) => dtype === 'float32');
  if (!fits || !tf.getKernel(BACKWARD, tf.getBackend())) return undefined;
  const inputs = { dy, x, scale, mean, variance };
  const made = tf.engine().runKernel(BACKWARD, inputs, { epsilon, training: false });
  const [dx, dScale, dOffset] = made as unknown as tf.Tensor[];
  const slope = (): tf.Tensor => tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
  return {
    x: () => dx,
    scale: () => dScale,
    offset: () => dOffset,
    mean: () => tf.neg(tf.mul(dOffset, slope())),
    variance: () => tf.div(tf.mul(tf.mul(dScale, scale), -0.5), tf.add(variance, epsilon)),
  };
}

/** TensorFlow's kernels want four axes. */
function asImages(x: tf.TensorInfo): tf.Tensor {
  const channels = x.shape.at(-1)!;
  const images = [tf.util.sizeFromShape(x.shape) / channels, 1, 1, channels];
  return x.shape.length === 4 ? (x as tf.Tensor) : tf.reshape(x as tf.Tensor, images);
}

const likeIt = (y: tf.Tensor, { shape }: tf.TensorInfo): tf.Tensor =>
  shape.length === 4 ? y : tf.reshape(y, shape);

function forward(
  backend: NativeBackend,
  { x, scale, offset }: Record<string, tf.TensorInfo>,
  attrs: NormAttributes,
  own: boolean,
): tf.Tensor[] {
  if (own && attrs.training) return runOwn(backend, OWN, [x, scale, offset], attrs);
  const op = [...opOf(backend, attrs), attributes(backend.binding).float('exponential_avg_factor', 1)];
  return tf.tidy(() => {
    const none = tf.tensor1d([]);
    const inputs = [asImages(x), scale, offset, none, none];
    const [y, mean, , , variance] = backend.executeMultipleOutputs(FORWARD, op, inputs, 6);
    return [likeIt(y, x), mean, variance];
  });
}

function backward(
  backend: NativeBackend,
  { dy, x, scale, offset, mean, variance }: Record<string, tf.TensorInfo>,
  attrs: NormAttributes,
  own: boolean,
): tf.Tensor[] {
  if (own && attrs.training)
    return runOwn(backend, OWN_GRADIENT, [dy, x, scale, offset, mean, variance], attrs);
  return tf.tidy(() => {
    const inputs = [asImages(dy), asImages(x), scale, mean, variance, tf.tensor1d([])];
    const [dx, dScale, dOffset] = backend.executeMultipleOutputs(BACKWARD, opOf(backend, attrs), inputs, 5);
    return [likeIt(dx, x), dScale, dOffset];
  });
}

function runOwn(
  backend: NativeBackend,
  op: string,
  inputs: readonly tf.TensorInfo[],
  { epsilon }: NormAttributes,
): tf.Tensor[] {
  return tf.tidy(() => backend.executeMultipleOutputs(op, [], [...inputs, tf.scalar(epsilon)], 3));
}

function opOf({ binding }: NativeBackend, { epsilon, training }: NormAttributes): OpAttribute[] {
  const make = attributes(binding);
  return [
    make.type('T', 'float32'),
    make.type('U', 'float32'),
    make.float('epsilon', epsilon),
    make.string('data_format', 'NHWC'),
    make.bool('is_training', training),
  ];
}

/** Whether the ops are there, and keep the variance of the batch as it is, which TensorFlow's documentation says of processors. */
function works(backend: NativeBackend, own: boolean): boolean {
  return tf.tidy(() => {
    try {
      const x = tf.tensor2d([1, 2, 3, 6], [4, 1]);
      const [scale, offset] = [tf.ones([1]), tf.zeros([1])];
      const attrs = { epsilon: 1, training: true };
      const [y, mean, variance] = forward(backend, { x, scale, offset }, attrs, own);
      const inputs = { dy: x, x, scale, offset, mean, variance };
      const [, dScale, dOffset] = backward(backend, inputs, attrs, own);
      const near = (got: tf.Tensor, value: number): boolean => Math.abs(got.dataSync()[0] - value) < 1e-5;
      const root = Math.sqrt(3.5 + 1);
      return (
        near(mean, 3) &&
        near(variance, 3.5) &&
        near(y, -2 / root) &&
        near(dScale, 14 / root) &&
        near(dOffset, 12)
      );
    } catch {
      return false;
    }
  });
}
