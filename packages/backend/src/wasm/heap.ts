import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from '../error.js';

/** The part of TF.js's wasm backend that our kernels use. */
export interface WasmBackend extends tf.KernelBackend {
  /** A new tensor on the wasm heap, its values undefined. */
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  /** A view of a tensor on the wasm heap; any later allocation may move the heap and make the view useless. */
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/** What a kernel is called with. */
export interface KernelCall {
  readonly inputs: tf.NamedTensorInfoMap;
  readonly backend: WasmBackend;
  readonly attrs: tf.NamedAttrMap;
}

/** Runs another wasm kernel on bare tensors, past the engine: the caller disposes what it returns. */
export function call(
  backend: WasmBackend,
  kernelName: string,
  inputs: tf.NamedTensorInfoMap,
  attrs: object = {},
): tf.TensorInfo {
  const kernel = tf.getKernel(kernelName, 'wasm');
  return kernel.kernelFunc({ inputs, backend, attrs: attrs as tf.NamedAttrMap }) as tf.TensorInfo;
}

/** The float32 values of a tensor, on the heap. Make it after every allocation. */
export function floats(backend: WasmBackend, tensor: tf.TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** The same memory under another shape, to be disposed by itself. */
export function reshape(backend: WasmBackend, x: tf.TensorInfo, shape: number[]): tf.TensorInfo {
  return call(backend, 'Reshape', { x }, { shape });
}

/** Registers a kernel for wasm that TF.js lacks; leaves it alone when somebody has registered one. */
export function addKernel(kernelName: string, kernelFunc: (args: KernelCall) => tf.TensorInfo): void {
  if (tf.getKernel(kernelName, 'wasm')) return;
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: kernelFunc as unknown as tf.KernelFunc });
}

const replaced = new Set<string>();

/** Puts a faster kernel in the place of the stock one, which `make` gets to fall back on. */
export function replaceKernel(
  kernelName: string,
  make: (stock: tf.KernelFunc) => (args: KernelCall) => tf.TensorInfo,
): void {
  const stock = tf.getKernel(kernelName, 'wasm');
  if (!stock || replaced.has(kernelName)) return;
  replaced.add(kernelName);
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...stock, kernelFunc: make(stock.kernelFunc) as unknown as tf.KernelFunc });
}

/** @throws BackendError `kernel` unless the layout is NHWC, the only one TF.js's wasm convolutions know */
export function requireNhwc(kernelName: string, dataFormat: unknown): void {
  if (dataFormat === undefined || dataFormat === 'NHWC') return;
  throw new BackendError('kernel', `${kernelName} on wasm has no data format ${dataFormat}`, 'Use NHWC.');
}
