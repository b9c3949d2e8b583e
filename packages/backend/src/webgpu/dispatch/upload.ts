import * as tf from '@tensorflow/tfjs-core';
import type { WebgpuBackend } from '../backend.js';
import type { GpuBuffer } from '../gpu.js';

/** STORAGE | COPY_SRC | COPY_DST, as TF.js has them for tensors. */
export const TENSOR_USAGE: number = 0x80 | 0x04 | 0x08;
/** How many different numbers are kept on the device. */
const MOST_SCALARS = 1024;

/**
 * How tensors get onto the device: by the queue's own writes instead of a mapped staging buffer for each (134 us on an
 * NVIDIA driver, 3 for a write). Numbers that a step makes into tensors again and again (rates, factors, 0 and 1) are
 * uploaded once and shared; nobody may write to a tensor marked `external`.
 */
export function uploader(backend: WebgpuBackend): (dataId: object) => void {
  const scalars = new Map<string, GpuBuffer>();

  function scalar(bits: Float32Array | Int32Array): GpuBuffer {
    const key = `${new Uint32Array(bits.buffer)[0]}`; // The bits say all: a buffer has no type.
    let buffer = scalars.get(key);
    if (buffer === undefined) {
      if (scalars.size >= MOST_SCALARS) scalars.delete(scalars.keys().next().value!);
      buffer = backend.device.createBuffer({ size: 4, usage: TENSOR_USAGE });
      backend.device.queue.writeBuffer(buffer, 0, bits);
      scalars.set(key, buffer);
    }
    return buffer;
  }

  return (dataId) => {
    const data = backend.tensorMap.get(dataId);
    if (data.resource) return;
    const { values, dtype } = data;
    const size = tf.util.sizeFromShape(data.shape);
    if (!values) {
      data.resource = backend.bufferManager.acquireBuffer(bytesOf(dtype, size), TENSOR_USAGE);
      return;
    }
    if (size === 0) {
      // No buffer of 0 bytes can be bound; what is read stays nothing.
      data.resource = backend.bufferManager.acquireBuffer(4, TENSOR_USAGE);
      return;
    }
    const whole = dtype === 'int32' || dtype === 'bool';
    if (size === 1) {
      data.resource = scalar(whole ? Int32Array.of(values[0]) : Float32Array.of(values[0]));
      data.external = true;
    } else {
      // A free buffer is in no command that waits, so that a write before them does no harm.
      const buffer = backend.bufferManager.acquireBuffer(bytesOf(dtype, size), TENSOR_USAGE);
      const ready = whole ? values instanceof Int32Array : values instanceof Float32Array;
      const bits = ready ? values : whole ? Int32Array.from(values) : Float32Array.from(values);
      backend.device.queue.writeBuffer(buffer, 0, bits as unknown as ArrayBufferView);
      data.resource = buffer;
    }
    data.values = null; // As in TF.js: what is on the device is not kept on the CPU.
  };
}

function bytesOf(dtype: tf.DataType, size: number): number {
  return (dtype === 'complex64' ? 8 : 4) * size;
}
