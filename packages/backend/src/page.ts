/** What trains in a page: all of WebGPU that needs no Node. */
export { BackendError, type BackendErrorCode } from './error.js';
export type { WebgpuAdapter } from './webgpu/adapter.js';
export { registerWebgpuTraining } from './webgpu/install.js';
export type { GpuOptimizer } from './webgpu/kernels/fused-optimizer.js';
export { type GpuOptimizers, webgpuOptimizers } from './webgpu/kernels/optimizers.js';
export { type OpenWebgpuOptions, openWebgpu } from './webgpu/register.js';
