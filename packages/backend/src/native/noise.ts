import * as tf from '@tensorflow/tfjs-core';
import { type NativeBackend, nativeBackend } from './ops.js';

/** Ops of our own (see addon/noise-ops.cc, posterior-ops.cc and scale-kl-ops.cc): their inputs in order, and how many outputs they have. */
const ops: Readonly<Record<string, readonly [inputs: readonly string[], outputs: number]>> = {
  EspalierScaleNoise: [['x', 'logRate', 'seed'], 3],
  EspalierScaleNoiseGrad: [['dScaled', 'dSquared', 'x', 'logRate', 'noise'], 2],
  EspalierOutputNoise: [['mean', 'variance', 'bias', 'biasLogVariance', 'seed'], 2],
  EspalierOutputNoiseGrad: [['dy', 'slope', 'biasLogVariance'], 3],
  EspalierGaussianEnergy: [['mean', 'variance', 'logVariance'], 2],
  EspalierGaussianSlopes: [['mean', 'variance', 'rate', 'factor'], 2],
  EspalierPosteriorSums: [
    ['mean', 'variance', 'logVariance', 'mask', 'bias', 'biasLogVariance', 'biasMask', 'most'],
    5,
  ],
  EspalierPosteriorSlopes: [['mean', 'variance', 'logVariance', 'mask', 'rate', 'factor', 'most'], 2],
  EspalierJeffreysKl: [['logRate', 'energy', 'size'], 3],
  EspalierHorseshoeKl: [
    [
      'global',
      'alpha_mean',
      'alpha_log_variance',
      'beta_mean',
      'beta_log_variance',
      'energy',
      'size',
      'logTau',
    ],
    7,
  ],
};

/**
 * Registers the ops for layers that draw their outputs as kernels of the native backend, under their own names, where
 * the addon has them. Who finds them with `tf.getKernel` may use them; elsewhere TF.js's own ops do the same.
 */
export function registerNoise(): void {
  const backend = nativeBackend();
  if (tf.getKernel('EspalierScaleNoise', 'tensorflow') || backend.isUsingGpuDevice || !hasOps(backend))
    return;
  for (const [kernelName, [names, outputs]] of Object.entries(ops)) {
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs }) =>
        nativeBackend().executeMultipleOutputs(
          kernelName,
          [],
          names.map((name) => (inputs as tf.NamedTensorMap)[name]),
          outputs,
        ),
    });
  }
}

/** Whether the addon was compiled with them, and they answer. */
function hasOps(backend: NativeBackend): boolean {
  const { binding } = backend;
  const ids = [Float32Array.of(3), Float32Array.of(4)].map((x) =>
    binding.createTensor([1, 1], binding.TF_FLOAT, x),
  );
  try {
    const [mean, variance] = ids;
    for (const { id } of binding.executeOp('EspalierGaussianEnergy', [], [mean, variance, variance], 2))
      ids.push(id);
    for (const { id } of binding.executeOp('EspalierJeffreysKl', [], [mean, variance, variance], 3))
      ids.push(id);
    return binding.tensorDataSync(ids[2])[0] === 13;
  } catch {
    return false;
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
}
