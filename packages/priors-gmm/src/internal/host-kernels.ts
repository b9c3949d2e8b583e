import * as tf from '@tensorflow/tfjs-core';
import { Evaluator } from '../mixture.js';
import { kernelName } from './kernel.js';
import { Table } from './table.js';

/** A backend whose tensors are JavaScript arrays. */
interface Memory {
  /** Room for a float32 result. */
  allocate(shape: number[]): tf.TensorInfo;
  /** The numbers of a tensor where they lie; good until the next `allocate`. */
  view(tensor: tf.TensorInfo): Float32Array;
}

/** The part of TF.js's cpu backend that we use. */
interface CpuBackend {
  readonly data: { get(id: tf.DataId): { values: Float32Array } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
}

/** The part of TF.js's wasm backend that we use. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
}

const memories: Readonly<Record<string, (backend: unknown) => Memory>> = {
  cpu: (backend) => {
    const cpu = backend as CpuBackend;
    return {
      allocate: (shape) =>
        cpu.makeTensorInfo(shape, 'float32', new Float32Array(tf.util.sizeFromShape(shape))),
      view: ({ dataId }) => cpu.data.get(dataId).values,
    };
  },
  wasm: (backend) => {
    const wasm = backend as WasmBackend;
    return {
      allocate: (shape) => wasm.makeOutput(shape, 'float32'),
      view: (tensor) => wasm.typedArrayFromHeap(tensor),
    };
  },
};

/** Registers the kernel for the backends whose memory is JavaScript's. Safe to call again. */
export function registerHostKernels(): void {
  for (const [backendName, of] of Object.entries(memories)) {
    if (tf.getKernel(kernelName, backendName) !== undefined) continue;
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, backend }) =>
        compute(inputs as unknown as Record<string, tf.TensorInfo>, of(backend)),
    });
  }
}

function compute(inputs: Readonly<Record<string, tf.TensorInfo>>, memory: Memory): tf.TensorInfo[] {
  const weights: tf.TensorInfo[] = [];
  for (let i = 0; inputs[`w${i}`] !== undefined; i++) weights.push(inputs[`w${i}`]);
  const size = inputs.means.shape[0];
  const outputs = [[2 + 3 * size], ...weights.map(({ shape }) => shape)].map((shape) =>
    memory.allocate(shape),
  );
  const numbers = (name: string): Float64Array => Float64Array.from(memory.view(inputs[name]));
  const [[held], [scale]] = [numbers('held'), numbers('scale')];
  const evaluator = new Evaluator(numbers('means'), numbers('offsets'), numbers('precisions'));
  const values = weights.map((tensor) => memory.view(tensor));
  const table = new Table(evaluator, values, scale);
  for (const [i, w] of values.entries()) table.pass(w, memory.view(outputs[i + 1]));
  const { loss, zeros, taken, first, second } = table.sums(held);
  memory.view(outputs[0]).set([loss, zeros, ...taken, ...first, ...second]);
  return outputs;
}
