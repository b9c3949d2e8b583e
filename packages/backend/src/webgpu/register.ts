import * as tf from '@tensorflow/tfjs-core';
import { describeAdapter, findAdapter, openDevice, type WebgpuAdapter } from './adapter.js';
import type { WebgpuBackendClass } from './backend.js';
import type { Gpu } from './gpu.js';
import { guardAgainstLoss } from './lost.js';
import { refuseSyncReads } from './sync-read.js';

/** Options of `openWebgpu`. */
export interface OpenWebgpuOptions {
  /** `navigator.gpu`. */
  readonly gpu: Gpu;
  /** The class that `@tensorflow/tfjs-backend-webgpu` exports. */
  readonly WebGPUBackend: WebgpuBackendClass;
  /** Whether an adapter will do that computes on the CPU. Default true. */
  readonly software?: boolean;
}

/**
 * Opens the fastest adapter and registers TF.js's WebGPU backend on it, in the place of one that is there: after a
 * lost device as well. TF.js's own start throws a TypeError without an adapter, leaves most limits at their defaults
 * and does not notice a lost device. The backend becomes the current one.
 *
 * @throws BackendError `no-adapter`, also for a software adapter that is not wanted
 *
 * @example
 * ```ts no-run
 * import { openWebgpu, registerWebgpuTraining } from '@espalier/backend/webgpu';
 * import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
 * console.log(await openWebgpu({ gpu: navigator.gpu, WebGPUBackend })); // in a page
 * registerWebgpuTraining();
 * ```
 */
export async function openWebgpu(options: OpenWebgpuOptions): Promise<WebgpuAdapter> {
  const { gpu, WebGPUBackend, software = true } = options;
  const adapter = await findAdapter(gpu, software);
  const described = describeAdapter(adapter);
  const device = await openDevice(adapter);
  if (tf.engine().registryFactory.webgpu) tf.removeBackend('webgpu');
  tf.registerBackend(
    'webgpu',
    () => refuseSyncReads(guardAgainstLoss(new WebGPUBackend(device, adapter.info))),
    3,
  );
  // TF.js computes small things on the CPU as long as they are there, as after a resume: to other bits than the device.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  await tf.setBackend('webgpu');
  await tf.ready();
  return described;
}
