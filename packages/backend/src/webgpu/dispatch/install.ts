import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Program, Uniform, WebgpuBackend } from '../backend.js';
import { BufferPool } from './buffer-pool.js';
import { Calls } from './calls.js';
import { uploader } from './upload.js';

const installed = new WeakMap<WebgpuBackend, Calls>();

/**
 * Makes TF.js's WebGPU backend quick at running programs: uniforms and bind groups are made once and found again,
 * uploads are the queue's writes, many programs go to the device at once. The programs and their results stay what
 * they are. Safe to call again.
 *
 * @returns how our own programs are run
 */
export function installDispatch(backend: WebgpuBackend): Calls {
  let calls = installed.get(backend);
  if (calls !== undefined) return calls;
  calls = new Calls(backend);
  installed.set(backend, calls);
  backend.bufferManager = new BufferPool(backend.device);
  backend.uploadToGPU = uploader(backend);
  backend.convertAndCacheOnCPU = (dataId, values) => {
    const data = backend.tensorMap.get(dataId);
    if (!data.written) data.values = values;
    return values;
  };
  backend.recordAndSubmit = recorder(backend, calls, backend.recordAndSubmit);
  return calls;
}

function recorder(
  backend: WebgpuBackend,
  calls: Calls,
  stock: WebgpuBackend['recordAndSubmit'],
): WebgpuBackend['recordAndSubmit'] {
  return (program, output, inputs, uniforms) => {
    // Programs that are timed end their pass, and those on pixels have textures: rare, and TF.js does them well.
    if (backend.activeTimers || program.pixelsOpType !== undefined) {
      stock.call(backend, program, output, inputs, uniforms);
      return;
    }
    const tensors = [output, ...inputs];
    const buffers = tensors.map(({ dataId }) => backend.tensorMap.get(dataId).resource!);
    for (const { dataId } of tensors) backend.commandQueueOwnedIds.add(dataId);
    calls.dispatch(
      keyOf(program, tensors, uniforms),
      () => program.pipeline,
      () => {
        // TF.js knows how they are laid out, and would free them with the next submission: they are kept instead.
        const { buffer } = backend.makeUniforms(uniformsOf(program, output, inputs, uniforms));
        backend.uniformPendingDisposal.pop();
        return buffer;
      },
      buffers,
      program.dispatch,
    );
  };
}

function keyOf(program: Program, tensors: readonly TensorInfo[], uniforms?: Uniform[] | null): string {
  let key = `${program.shaderKey}|${program.size ? program.outputShape : ''}|${program.outputComponent}`;
  for (const { shape } of tensors) key += `|${shape}`;
  for (const { type, data } of uniforms ?? []) {
    // As bits, or -0 would be taken for 0.
    key += `|${type === 'float32' ? new Uint32Array(Float32Array.from(data).buffer) : data}`;
  }
  return key;
}

/** The uniforms that each of TF.js's programs begins with (NaN, infinity, shapes and strides, size), then its own. */
function uniformsOf(
  program: Program,
  output: TensorInfo,
  inputs: readonly TensorInfo[],
  own?: Uniform[] | null,
): Uniform[] {
  const all: Uniform[] = [
    { type: 'float32', data: [Number.NaN] },
    { type: 'float32', data: [Number.POSITIVE_INFINITY] },
  ];
  for (const { shape } of [...inputs, output]) {
    all.push({ type: 'int32', data: [...shape] }, { type: 'int32', data: util.computeStrides(shape) });
  }
  if (program.size) {
    const size = util.sizeFromShape(program.outputShape);
    all.push({ type: 'int32', data: [size / (program.outputComponent || 1)] });
  }
  return [...all, ...(own ?? [])];
}
