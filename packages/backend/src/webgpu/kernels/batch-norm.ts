import * as tf from '@tensorflow/tfjs-core';
import { has, replaceGradient } from '../../gradients.js';
import { elementwise, elementwiseGrid, type Kernel, launcher } from '../dispatch/kernel.js';

const NAME = 'EspalierBatchNormGrad';

/** dx = dy · scale / √(variance + ε), and dy · (x - mean), whose sums are the gradients of variance and scale. */
const slopes = (type: 'f32' | 'vec4f'): Kernel =>
  elementwise({
    name: `${NAME}/slopes/${type}`,
    writes: [`dx: ${type}`, `product: ${type}`],
    reads: ['x', 'dy', 'mean', 'variance', 'scale'].map((name) => `${name}: ${type}`),
    params: ['channels', 'epsilon: f32'],
    body: `
let c = i % p.channels;
let slope = dy[i];
dx[i] = slope * inverseSqrt(variance[c] + p.epsilon) * scale[c];
product[i] = slope * (x[i] - mean[c]);`,
  });
const slopesOfOne: Kernel = slopes('f32');
const slopesOfFour: Kernel = slopes('vec4f');

/** The gradients of mean, variance and scale from both sums over all but the channels. */
const sums: Kernel = elementwise({
  name: `${NAME}/sums`,
  writes: ['dMean', 'dVariance', 'dScale'],
  reads: ['dOffset', 'product', 'variance', 'scale'],
  params: ['epsilon: f32'],
  body: `
let root = inverseSqrt(variance[i] + p.epsilon);
dMean[i] = -dOffset[i] * root * scale[i];
dVariance[i] = -0.5 * product[i] * root * root * root * scale[i];
dScale[i] = product[i] * root;`,
});

/**
 * The gradient of FusedBatchNorm over the last axis, in two programs and two sums instead of some thirty programs on
 * tensors of the size of x.
 */
export function registerBatchNormGradient(): void {
  if (!tf.getKernel(NAME, 'webgpu')) {
    tf.registerKernel({
      kernelName: NAME,
      backendName: 'webgpu',
      kernelFunc: ({ inputs, attrs }) => {
        const { x, dy, mean, variance, scale } = inputs as Record<string, tf.TensorInfo>;
        const { epsilon } = attrs as unknown as { epsilon: number };
        const channels = mean.shape[0];
        const size = tf.util.sizeFromShape(x.shape);
        const gpu = launcher();
        const [dx, product] = [gpu.make(x.shape), gpu.make(x.shape)];
        const read = [x, dy, mean, variance, scale];
        const four = channels % 4 === 0 ? 4 : 1;
        const params = [size / four, channels / four, epsilon];
        const kernel = four === 4 ? slopesOfFour : slopesOfOne;
        gpu.run(kernel, [dx, product, ...read], params, elementwiseGrid(size / four));
        const axes = x.shape.slice(0, -1).map((_, axis) => axis);
        const sum = (of: tf.TensorInfo): tf.TensorInfo =>
          tf
            .engine()
            .runKernel('Sum', { x: of as tf.Tensor }, { axis: axes, keepDims: false }) as tf.TensorInfo;
        const [dOffset, dProduct] = [sum(dy), sum(product)];
        gpu.backend.disposeData(product.dataId);
        const [dMean, dVariance, dScale] = [mean, mean, mean].map(({ shape }) => gpu.make(shape));
        const written = [dMean, dVariance, dScale];
        const groups = elementwiseGrid(channels);
        gpu.run(sums, [...written, dOffset, dProduct, variance, scale], [channels, epsilon], groups);
        return [dx, dMean, dVariance, dScale, dOffset];
      },
    });
  }
  replaceGradient('FusedBatchNorm', (dy, [x, mean, variance, scale], attrs) => {
    const { varianceEpsilon: epsilon } = attrs as unknown as { varianceEpsilon: number };
    if (mean.rank !== 1 || x.size === 0 || !has(NAME, [dy, x, mean, variance, scale])) return undefined;
    const inputs = { x, dy, mean, variance, scale };
    const all = tf.engine().runKernel(NAME, inputs, { epsilon }) as unknown as tf.Tensor[];
    const [dx, dMean, dVariance, dScale, dOffset] = all;
    return {
      x: () => dx,
      mean: () => dMean,
      variance: () => dVariance,
      scale: () => dScale,
      offset: () => dOffset,
    };
  });
}
