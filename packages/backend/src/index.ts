export { cacheRoot } from '@espalier/host';

export type { BackendTrial, TrialSteps } from './auto.js';
export type { Backend, BackendName, Started } from './backend.js';
export { type DoctorRow, doctor, formatDoctor } from './doctor.js';
export { BackendError, type BackendErrorCode } from './error.js';
export { FusedOptimizer, type VariableGroup } from './native/fused-optimizer.js';
export {
  type FusedAdamOptions,
  type FusedSgdOptions,
  type NativeOptimizers,
  nativeOptimizers,
} from './native/optimizers.js';
export { type RandomSeed, statelessNormal, statelessUniform } from './native/random.js';
export { registerNativeTraining } from './native/register.js';
export type { NativeRecorder, NativeRecording } from './native/replay/recording.js';
export type { FusedState } from './native/state.js';
export { type SetupOptions, type SetupResult, setup } from './setup/setup.js';
export { describe, type StartOptions, startBackend } from './start.js';
export { registerWasmTraining } from './wasm/register.js';
export type { WebgpuAdapter } from './webgpu/adapter.js';
export { registerWebgpuTraining } from './webgpu/install.js';
export type { GpuOptimizer } from './webgpu/kernels/fused-optimizer.js';
export { type GpuOptimizers, webgpuOptimizers } from './webgpu/kernels/optimizers.js';
