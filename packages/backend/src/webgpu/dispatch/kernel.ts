import * as tf from '@tensorflow/tfjs-core';
import { type WebgpuBackend, webgpuBackend } from '../backend.js';
import type { GpuBuffer, GpuPipeline } from '../gpu.js';
import type { Calls } from './calls.js';
import { installDispatch } from './install.js';

/** A compute program of our own in WGSL. */
export interface Kernel {
  /** Says all that the source depends on: two kernels of one name are one. */
  readonly name: string;
  /** Names of the buffers in order, written ones first; `ids: i32`, `x: vec4f` for other elements than f32. */
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  /** Names of the numbers it is told, u32 each, or `scale: f32`. Read as `p.name`. */
  readonly params: readonly string[];
  readonly workgroup: readonly [number, number, number];
  /** Shared memory and functions. */
  readonly declarations?: string;
  /** What one thread does: it knows `group`, `groups` (how many there are), `lane` (0 … threads - 1) and `local`. */
  readonly body: string;
}

/** Workgroups along x and y for `count` of them: no axis has more than 65,535. In the kernel: `${FLAT}`. */
export function grid(count: number): [number, number, number] {
  const width = Math.min(count, 32768);
  return [width, Math.ceil(count / width), 1];
}

/** The number of a workgroup in a grid made by `grid`. */
export const FLAT = 'group.y * groups.x + group.x';

/** Runs our kernels on the current device. */
export class Launcher {
  readonly #pipelines = new Map<string, GpuPipeline>();

  constructor(
    readonly backend: WebgpuBackend,
    readonly calls: Calls,
  ) {}

  /** A tensor that a kernel will write; an empty one, which none can, is there already. */
  make(shape: readonly number[], dtype: tf.DataType = 'float32'): tf.TensorInfo {
    const values = shape.includes(0) ? new Float32Array() : undefined;
    return this.backend.makeTensorInfo([...shape], dtype, values);
  }

  /**
   * Makes a tensor one whose values may be changed on the device: clones of it, and numbers that are shared, keep
   * theirs.
   */
  own(tensor: tf.Tensor): void {
    const { backend } = this;
    backend.uploadToGPU(tensor.dataId);
    let data = backend.tensorMap.get(tensor.dataId);
    const whole = data.dtype !== 'float32';
    backend.commandQueueOwnedIds.add(tensor.dataId); // What is copied from is not to be written to before that.
    if (tensor instanceof tf.Variable && (data.refCount > 1 || whole)) {
      const copy = whole ? this.#floats(tensor) : this.make(tensor.shape);
      if (!whole) backend.tensorMap.get(copy.dataId).resource = this.#copy(data.resource!);
      const value = tf.engine().makeTensorFromTensorInfo(copy) as tf.Tensor;
      tensor.assign(value);
      value.dispose();
      data = backend.tensorMap.get(tensor.dataId);
    } else if (data.external) {
      data.resource = this.#copy(data.resource!);
      data.external = false;
    }
    data.written = true;
    data.values = null; // A copy that was read before would no longer be true.
  }

  #copy(from: GpuBuffer): GpuBuffer {
    const { backend } = this;
    const to = backend.bufferManager.acquireBuffer(from.size, from.usage);
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.commandEncoder!.copyBufferToBuffer(from, 0, to, 0, from.size);
    return to;
  }

  /** Runs `kernel`; tensors in the order of its buffers. Tensors that it writes must not be shared, see `own`. */
  run(
    kernel: Kernel,
    tensors: readonly tf.TensorInfo[],
    params: readonly number[],
    groups: readonly [number, number, number],
  ): void {
    const { backend } = this;
    const buffers: GpuBuffer[] = [];
    const converted: tf.TensorInfo[] = [];
    for (const [i, tensor] of tensors.entries()) {
      let { dataId } = tensor;
      const read = kernel.reads[i - kernel.writes.length];
      if (read !== undefined && !read.endsWith('i32') && backend.tensorMap.get(dataId).dtype !== 'float32') {
        converted.push(this.#floats(tensor));
        dataId = converted[converted.length - 1].dataId;
      }
      backend.uploadToGPU(dataId);
      backend.commandQueueOwnedIds.add(dataId);
      buffers.push(backend.tensorMap.get(dataId).resource!);
    }
    const bits = pack(kernel, params);
    this.calls.dispatch(
      `${kernel.name}|${bits}`,
      () => this.#pipeline(kernel),
      () => (bits.length === 0 ? undefined : this.#uniforms(bits)),
      buffers,
      groups,
    );
    for (const { dataId } of converted) backend.disposeData(dataId);
  }

  /** TF.js casts whole numbers and truths to float32 by name alone: the buffer still holds whole numbers. */
  #floats(tensor: tf.TensorInfo): tf.TensorInfo {
    const floats = this.make(tensor.shape);
    const size = tf.util.sizeFromShape(tensor.shape);
    this.run(toFloats, [floats, tensor], [size], elementwiseGrid(size));
    return floats;
  }

  #pipeline(kernel: Kernel): GpuPipeline {
    let pipeline = this.#pipelines.get(kernel.name);
    if (pipeline === undefined) {
      const { device } = this.backend;
      const module = device.createShaderModule({ code: sourceOf(kernel), label: kernel.name });
      pipeline = device.createComputePipeline({
        compute: { module, entryPoint: 'main' },
        layout: 'auto',
        label: kernel.name,
      });
      this.#pipelines.set(kernel.name, pipeline);
    }
    return pipeline;
  }

  #uniforms(bits: Uint32Array): GpuBuffer {
    const UNIFORM = 0x40 | 0x08; // UNIFORM | COPY_DST
    const buffer = this.backend.bufferManager.acquireBuffer(bits.byteLength, UNIFORM);
    this.backend.device.queue.writeBuffer(buffer, 0, bits);
    return buffer;
  }
}

const launchers = new WeakMap<WebgpuBackend, Launcher>();

/** The launcher of the WebGPU backend, which must be registered. */
export function launcher(): Launcher {
  const backend = webgpuBackend();
  let found = launchers.get(backend);
  if (found === undefined) {
    found = new Launcher(backend, installDispatch(backend));
    launchers.set(backend, found);
  }
  return found;
}

function pack(kernel: Kernel, params: readonly number[]): Uint32Array {
  const bits = new Uint32Array(params.length);
  const floats = new Float32Array(bits.buffer);
  for (const [i, name] of kernel.params.entries()) {
    if (name.endsWith(': f32')) floats[i] = params[i];
    else bits[i] = params[i];
  }
  return bits;
}

function sourceOf({ writes, reads, params, workgroup, declarations = '', body }: Kernel): string {
  const buffers = [...writes.map((w) => [w, 'read_write']), ...reads.map((r) => [r, 'read'])];
  const bound = buffers.map(([declared, access], i) => {
    const [name, type = 'f32'] = declared.split(': ');
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`;
  });
  if (params.length > 0) {
    const fields = params.map((name) => (name.includes(':') ? name : `${name}: u32`));
    bound.push(
      `struct Params { ${fields.join(', ')} }`,
      `@group(0) @binding(${buffers.length}) var<uniform> p: Params;`,
    );
  }
  return `${bound.join('\n')}
${declarations}
@compute @workgroup_size(${workgroup.join(', ')})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(local_invocation_id) local: vec3u,
) {
${body}
}`;
}

/** A kernel that computes one element of each written buffer per thread: `body` has the index `i`, `p.size` is given. */
export function elementwise(kernel: Omit<Kernel, 'workgroup'>): Kernel {
  return {
    ...kernel,
    params: ['size', ...kernel.params],
    workgroup: [64, 1, 1],
    body: `let i = (${FLAT}) * 64u + lane;\nif (i >= p.size) { return; }\n${kernel.body}`,
  };
}

/** The workgroups of an elementwise kernel. */
export function elementwiseGrid(size: number): [number, number, number] {
  return grid(Math.ceil(size / 64));
}

const toFloats: Kernel = elementwise({
  name: 'toFloats',
  writes: ['y'],
  reads: ['x: i32'],
  params: [],
  body: 'y[i] = f32(x[i]);',
});
