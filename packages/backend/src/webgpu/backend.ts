import * as tf from '@tensorflow/tfjs-core';
import type { GpuBuffer, GpuDevice, GpuEncoder, GpuPass } from './gpu.js';

/** Where TF.js keeps a tensor of its WebGPU backend. */
export interface Stored {
  /** On the device; null until it is needed there. */
  resource: GpuBuffer | null;
  /** On the CPU: not uploaded yet, or a copy that was read. */
  values: unknown;
  readonly refCount: number;
}

/** What each program of TF.js's WebGPU backend is described by; our own use `dispatch.ts`. */
export interface WebgpuBackend extends tf.KernelBackend {
  readonly device: GpuDevice;
  readonly tensorMap: { get(dataId: tf.DataId): Stored };
  commandEncoder: GpuEncoder | null;
  computePassEncoder: GpuPass | null;
  dispatchCountInPass: number;
  readonly commandQueueOwnedIds: WeakSet<tf.DataId>;
  readonly uniformPendingDisposal: GpuBuffer[];
  readonly bufferManager: {
    acquireBuffer(size: number, usage: number): GpuBuffer;
    releaseBuffer(buffer: GpuBuffer): void;
  };
  makeTensorInfo(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  uploadToGPU(dataId: tf.DataId): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  getBufferData(buffer: GpuBuffer): Promise<ArrayBuffer>;
  recordAndSubmit(...args: unknown[]): void;
}

/** The class that TF.js's package exports. */
export type WebgpuBackendClass = new (device: GpuDevice, info: object) => WebgpuBackend;

/** The WebGPU backend, which must be registered. */
export function webgpuBackend(): WebgpuBackend {
  return tf.findBackend('webgpu') as WebgpuBackend;
}
