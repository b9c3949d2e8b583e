import { registerConv2dGradients } from './conv2d.js';
import { registerDepthwiseGradients } from './depthwise.js';
import { registerEinsum } from './einsum.js';
import { registerIdentity } from './identity.js';
import { registerMatMul } from './matmul.js';
import { registerMaxPoolGradient } from './max-pool.js';
import { registerSegmentSum } from './segment-sum.js';
import { registerSum } from './sum.js';

/**
 * Registers the training kernels that TF.js's wasm backend lacks, and faster ones for the slow: its package
 * must be loaded. `startBackend` does this. Safe to call again.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-wasm';
 * import { registerWasmTraining } from '@espalier/backend';
 * import * as tf from '@tensorflow/tfjs-core';
 * registerWasmTraining();
 * if (!tf.getKernel('Conv2DBackpropFilter', 'wasm')) throw new Error('not registered');
 * ```
 */
export function registerWasmTraining(): void {
  registerIdentity();
  registerMatMul();
  registerConv2dGradients();
  registerDepthwiseGradients();
  registerMaxPoolGradient();
  registerSegmentSum();
  registerEinsum();
  registerSum();
}
