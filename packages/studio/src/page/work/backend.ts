import { registerWasmTraining } from '@espalier/backend/wasm';
import { type OpenWebgpuOptions, openWebgpu, registerWebgpuTraining } from '@espalier/backend/webgpu';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

export type PageBackend = 'wasm' | 'webgpu';

/** Starts a backend, with the kernels that the command line has. */
export async function startInPage(name: PageBackend): Promise<void> {
  if (tf.getBackend() === name) return;
  if (name === 'webgpu') {
    const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
    const { gpu } = navigator as unknown as Pick<OpenWebgpuOptions, 'gpu'>;
    await openWebgpu({ gpu, WebGPUBackend: WebGPUBackend as unknown as OpenWebgpuOptions['WebGPUBackend'] });
    registerWebgpuTraining();
    return;
  }
  setWasmPaths(new URL('./', import.meta.url).href);
  registerWasmTraining();
  if (!(await tf.setBackend('wasm'))) throw new Error('WebAssembly did not start in this browser.');
  await tf.ready();
}
