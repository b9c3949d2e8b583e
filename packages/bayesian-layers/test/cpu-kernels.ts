import * as tf from '@tensorflow/tfjs-core';

type Tensors = Record<string, tf.Tensor>;
type Noise = (shape: number[], seed: tf.Tensor) => tf.Tensor;

const half = (x: tf.Tensor): tf.Tensor => tf.exp(tf.mul(x, 0.5));

const formulas = (draw: Noise): Record<string, (t: Tensors) => tf.Tensor[]> => ({
  EspalierScaleNoise: ({ x, logRate, seed }) => {
    const noise = draw(x.shape, seed);
    const s = tf.mul(x, tf.add(1, tf.mul(noise, half(logRate))));
    return [s, tf.square(s), noise];
  },
  EspalierScaleNoiseGrad: ({ dScaled, dSquared, x, logRate, noise: e }) => {
    const z = tf.add(1, tf.mul(e, half(logRate)));
    const ds = tf.add(dScaled, tf.mul(2, tf.mul(tf.mul(x, z), dSquared)));
    return [tf.mul(ds, z), tf.mul(tf.sum(tf.mul(tf.mul(ds, x), e), 0), tf.mul(0.5, half(logRate)))];
  },
  EspalierOutputNoise: ({ mean, variance, bias, biasLogVariance, seed }) => {
    const noise = draw(mean.shape, seed);
    const d = tf.sqrt(tf.add(tf.add(variance, tf.exp(biasLogVariance)), 1e-12));
    return [tf.add(tf.add(mean, bias), tf.mul(noise, d)), tf.div(noise, d)];
  },
  EspalierOutputNoiseGrad: ({ dy, slope, biasLogVariance }) => {
    const g = tf.mul(0.5, tf.mul(dy, slope));
    return [g, tf.sum(dy, 0), tf.mul(tf.sum(g, 0), tf.exp(biasLogVariance))];
  },
  EspalierGaussianEnergy: ({ mean, variance, logVariance }) => [
    tf.sum(tf.add(tf.square(mean), variance), 1),
    tf.sum(logVariance, 1),
  ],
  EspalierGaussianSlopes: ({ mean, variance, rate, factor }) => {
    const column = tf.reshape(rate, [-1, 1]);
    return [tf.mul(mean, column), tf.mul(0.5, tf.sub(tf.mul(variance, column), factor))];
  },
});

/**
 * The kernels of the native backend, made of TF.js ops on the CPU, with noise that the test gives
 * (packages/backend/test/noise-kernels.test.ts holds the native ones against the same formulas).
 */
export function cpuKernels(noise: Noise): { register(): void; unregister(): void; called: string[] } {
  const named = Object.entries(formulas(noise));
  const called: string[] = [];
  return {
    called,
    register() {
      for (const [kernelName, compute] of named) {
        const kernelFunc: tf.KernelFunc = ({ inputs }) => {
          called.push(kernelName);
          return compute(inputs as Tensors);
        };
        tf.registerKernel({ kernelName, backendName: 'cpu', kernelFunc });
      }
    },
    unregister() {
      for (const [kernelName] of named) tf.unregisterKernel(kernelName, 'cpu');
    },
  };
}
