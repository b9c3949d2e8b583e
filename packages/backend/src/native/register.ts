import { registerActivations } from './activations.js';
import { registerBatchNorm } from './batch-norm.js';
import { registerConv2d } from './conv2d.js';
import { registerCrossEntropy } from './cross-entropy.js';
import { registerExamples } from './examples.js';
import { registerGather } from './gather.js';
import { registerGru } from './gru.js';
import { improveBatchNormalization } from './layers/batch-normalization.js';
import { improveGru } from './layers/gru.js';
import { improveRelu } from './layers/relu.js';
import { registerMatMul } from './matmul.js';
import { registerMaxPool } from './max-pool.js';
import { registerMixture } from './mixture.js';
import { registerNoise } from './noise.js';
import { registerRandom } from './random.js';
import { registerFilterGradient } from './strided-filter.js';

/**
 * Registers the faster training kernels of the native backend, which must be the current one: gradients of
 * activations, matrix products, gathering, batches, convolutions of few places, max-pooling, batch normalisation and ReLU6 (TF.js's layers too), fused cross-entropy, seeded random numbers, ops of our own for noise and for the mixture prior. `startBackend` does this; results are the stock ones to
 * float tolerance. Safe to call again.
 */
export function registerNativeTraining(): void {
  registerActivations();
  registerMatMul();
  registerGather();
  registerExamples();
  registerConv2d();
  registerFilterGradient();
  registerMaxPool();
  if (registerBatchNorm()) improveBatchNormalization();
  improveRelu();
  if (registerGru()) improveGru();
  registerCrossEntropy();
  registerRandom();
  registerNoise();
  registerMixture();
}
