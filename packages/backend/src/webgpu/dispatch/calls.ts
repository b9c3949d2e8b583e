import type { WebgpuBackend } from '../backend.js';
import type { GpuBuffer, GpuPipeline } from '../gpu.js';
import { bufferNumber } from './buffer-pool.js';

/** A pipeline with its uniforms: all of a dispatch but the tensors. */
interface Call {
  readonly pipeline: GpuPipeline;
  readonly uniforms: GpuBuffer | undefined;
  /** By the numbers of the tensors' buffers. */
  readonly groups: Map<string, object>;
}

/** How many calls, and bind groups of all calls, are remembered: a large net's step has some hundreds of each. */
const MOST_CALLS = 4096;
const MOST_GROUPS = 16_384;
/** How many dispatches are handed to the device at once, or sooner when they hold on to so many bytes. */
const MOST_DISPATCHES = 96;
const MOST_BYTES = 2 ** 29;

/** Dispatches on the backend's own queue, so that a step's calls are made once and then only repeated. */
export class Calls {
  readonly #calls = new Map<string, Call>();
  #groups = 0;
  #bytesBefore = 0;

  constructor(private readonly backend: WebgpuBackend) {}

  /**
   * Records one dispatch. `key` says all that `pipeline` and `uniforms` depend on, which are asked for only when it is
   * new; the uniforms are bound after the buffers.
   */
  dispatch(
    key: string,
    pipeline: () => GpuPipeline,
    uniforms: () => GpuBuffer | undefined,
    buffers: readonly GpuBuffer[],
    [x, y, z]: readonly [number, number, number],
  ): void {
    if (x * y * z === 0) return; // Nothing to do, and Dawn wonders aloud.
    const { backend } = this;
    let call = this.#calls.get(key);
    if (call === undefined) {
      if (this.#calls.size >= MOST_CALLS) this.#forgetOldest();
      call = { pipeline: pipeline(), uniforms: uniforms(), groups: new Map() };
      this.#calls.set(key, call);
    }
    const group = this.#group(call, buffers);
    backend.ensureCommandEncoderReady();
    let pass = backend.computePassEncoder;
    if (pass === null) {
      pass = backend.commandEncoder!.beginComputePass();
      backend.computePassEncoder = pass;
    }
    pass.setPipeline(call.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(x, y, z);
    if (++backend.dispatchCountInPass === 1) this.#bytesBefore = backend.bufferManager.numBytesUsed;
    const grown = backend.bufferManager.numBytesUsed - this.#bytesBefore;
    if (backend.dispatchCountInPass >= MOST_DISPATCHES || grown > MOST_BYTES) this.submit();
  }

  /** Hands over what is recorded. */
  submit(): void {
    const { backend } = this;
    if (backend.commandEncoder === null) return;
    backend.endComputePassEncoder();
    backend.submitQueue();
  }

  #group(call: Call, buffers: readonly GpuBuffer[]): object {
    let key = '';
    for (const buffer of buffers) key += `${bufferNumber(buffer)},`;
    let group = call.groups.get(key);
    if (group === undefined) {
      if (++this.#groups > MOST_GROUPS) {
        for (const { groups } of this.#calls.values()) groups.clear();
        this.#groups = 1;
      }
      const bound = call.uniforms === undefined ? buffers : [...buffers, call.uniforms];
      group = this.backend.device.createBindGroup({
        layout: call.pipeline.getBindGroupLayout(0),
        entries: bound.map((buffer, binding) => ({ binding, resource: { buffer } })),
      });
      call.groups.set(key, group);
    }
    return group;
  }

  /** The uniforms of a forgotten call may still be waited for: they become free with the next submission. */
  #forgetOldest(): void {
    const [key, call] = this.#calls.entries().next().value!;
    this.#calls.delete(key);
    this.#groups -= call.groups.size;
    if (call.uniforms !== undefined) this.backend.uniformPendingDisposal.push(call.uniforms);
  }
}
