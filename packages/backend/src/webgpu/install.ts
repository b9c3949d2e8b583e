import { registerActivationGradients } from '../activation-gradients.js';
import { webgpuBackend } from './backend.js';
import { installDispatch } from './dispatch/install.js';
import { registerActivationKernels } from './kernels/activations.js';
import { registerBatchNormGradient } from './kernels/batch-norm.js';
import { registerConv2d } from './kernels/conv2d.js';
import { registerCrossEntropyKernel } from './kernels/cross-entropy.js';
import { registerDepthwiseGradient } from './kernels/depthwise.js';
import { registerMatMul } from './kernels/matmul.js';
import { registerMaxPoolGradient } from './kernels/max-pool.js';
import { registerMixture } from './kernels/mixture.js';
import { registerPosterior } from './kernels/posterior.js';
import { registerRandom } from './kernels/random.js';
import { registerReductions } from './kernels/reduce.js';
import { registerScaleKl } from './kernels/scale-kl.js';
import { registerSegmentSum } from './kernels/segment-sum.js';
import { registerSpread } from './kernels/spread.js';

/**
 * Makes TF.js's WebGPU backend, which must be registered and the current one, quick at training: programs run with
 * less of JavaScript's time, and kernels of our own stand before or beside TF.js's. Results are the stock ones to
 * float tolerance, and the same bits in every run on one adapter. Safe to call again.
 */
export function registerWebgpuTraining(): void {
  installDispatch(webgpuBackend());
  registerActivationKernels();
  registerActivationGradients();
  registerCrossEntropyKernel();
  registerMatMul();
  registerReductions();
  registerConv2d();
  registerDepthwiseGradient();
  registerMaxPoolGradient();
  registerSegmentSum();
  registerSpread();
  registerBatchNormGradient();
  registerRandom();
  registerMixture();
  registerPosterior();
  registerScaleKl();
}
