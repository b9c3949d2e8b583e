import * as tf from '@tensorflow/tfjs-core';
import type { BufferPool } from './dispatch/buffer-pool.js';
import type { GpuBuffer, GpuDevice, GpuEncoder, GpuPass, GpuPipeline } from './gpu.js';

/** Where TF.js keeps a tensor of its WebGPU backend. */
export interface TensorData {
  readonly dtype: tf.DataType;
  readonly shape: number[];
  refCount: number;
  /** On the CPU: not uploaded yet, or a copy that was read. */
  values: ArrayLike<number> | null | undefined;
  /** On the device; absent until it is needed there. */
  resource?: GpuBuffer | null;
  /** Whether the resource belongs to somebody else and is not released with the tensor. */
  external?: boolean;
  /** Whether programs of ours change the resource in place, so that values that were read may be old. */
  written?: boolean;
}

/** One of TF.js's programs, ready to run. */
export interface Program {
  readonly shaderKey: string;
  readonly pipeline: GpuPipeline;
  readonly dispatch: readonly [number, number, number];
  readonly size?: boolean;
  readonly outputComponent?: number;
  readonly outputShape: number[];
  readonly pixelsOpType?: unknown;
}

/** A value of a program's uniforms, as TF.js hands it over. */
export interface Uniform {
  readonly type: 'int32' | 'uint32' | 'float32';
  readonly data: number[];
}

/** What lies inside TF.js 4.22's WebGPU backend, so far as we use and replace it. */
export interface WebgpuBackend extends tf.KernelBackend {
  readonly device: GpuDevice;
  readonly tensorMap: { get(dataId: object): TensorData };
  bufferManager: BufferPool;
  commandEncoder: GpuEncoder | null;
  computePassEncoder: GpuPass | null;
  dispatchCountInPass: number;
  commandQueueOwnedIds: WeakSet<object>;
  readonly uniformPendingDisposal: GpuBuffer[];
  readonly activeTimers?: unknown[] | null;
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: unknown): tf.TensorInfo;
  uploadToGPU(dataId: object): void;
  convertAndCacheOnCPU(dataId: object, values: ArrayLike<number>): ArrayLike<number>;
  disposeData(dataId: object): boolean;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  getBufferData(buffer: GpuBuffer): Promise<ArrayBuffer>;
  makeUniforms(uniforms: Uniform[]): { readonly buffer: GpuBuffer };
  recordAndSubmit(
    program: Program,
    output: tf.TensorInfo,
    inputs: tf.TensorInfo[],
    uniforms?: Uniform[] | null,
  ): void;
}

/** The class that TF.js's package exports. */
export type WebgpuBackendClass = new (device: GpuDevice, info: object) => WebgpuBackend;

/** The WebGPU backend, which must be registered. */
export function webgpuBackend(): WebgpuBackend {
  return tf.findBackend('webgpu') as WebgpuBackend;
}
