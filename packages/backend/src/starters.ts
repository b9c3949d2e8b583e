import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import type { BackendName, Started } from './backend.js';
import { BackendError } from './error.js';
import { nativeOptimizers } from './native/optimizers.js';
import { registerNativeTraining } from './native/register.js';
import { nativeRecorder } from './native/replay/recording.js';
import { supplyRemovedUtil } from './node-compat.js';
import { findPackage, type InstalledPackage } from './packages.js';
import { checkAddon } from './setup/setup.js';
import { registerWasmTraining } from './wasm/register.js';
import { adapterLine } from './webgpu/adapter.js';
import { provideWebgpu } from './webgpu/dawn.js';
import { navigatorGpu } from './webgpu/gpu.js';
import { registerWebgpuTraining } from './webgpu/install.js';
import { webgpuOptimizers } from './webgpu/kernels/optimizers.js';
import { lookForAdapter } from './webgpu/look.js';
import { openWebgpu } from './webgpu/register.js';

/** The npm package that brings each backend. */
export const PACKAGES: Readonly<Record<BackendName, string>> = {
  gpu: '@tensorflow/tfjs-node-gpu',
  webgpu: '@tensorflow/tfjs-backend-webgpu',
  native: '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};

/** Starts one backend, or says in a few words why not. */
export async function start(name: Exclude<BackendName, 'webgpu'>): Promise<Started | string> {
  let found = findPackage(PACKAGES[name]);
  // The GPU package computes on the CPU where there is no GPU: as good as the other one, if that is missing.
  if (name === 'native') found ??= findPackage(PACKAGES.gpu);
  if (!found) return `${PACKAGES[name]} is not installed`;
  return name === 'gpu' || name === 'native' ? startNative(name, found) : startPlain(name, found);
}

/** WebGPU; a reason in words when it was only one of several to try. */
export async function tryWebgpu(prefer: 'auto' | BackendName): Promise<Started | string> {
  try {
    if (prefer !== 'webgpu' && findPackage(PACKAGES.webgpu) && !navigatorGpu()) {
      const adapter = await lookForAdapter();
      if (!adapter) return 'WebGPU finds no adapter';
      if (adapter.software) return `WebGPU finds no adapter but a software one, ${adapterLine(adapter)}`;
    }
    return await startWebgpu(prefer === 'webgpu');
  } catch (error) {
    if (prefer === 'webgpu' || !(error instanceof BackendError)) throw error;
    return firstLine(error)
      .replace(error.remedy, '')
      .replace(/[.\s]+$/, '');
  }
}

async function startWebgpu(software: boolean): Promise<Started> {
  const found = findPackage(PACKAGES.webgpu);
  if (!found) {
    const what = `${PACKAGES.webgpu} is not installed`;
    throw new BackendError(
      'package-missing',
      what,
      `Add it to your project: npm install ${PACKAGES.webgpu} webgpu.`,
    );
  }
  const gpu = await provideWebgpu();
  const { WebGPUBackend } = await import(pathToFileURL(found.main).href);
  const adapter = await openWebgpu({ gpu, WebGPUBackend, software });
  registerWebgpuTraining();
  return {
    name: 'webgpu',
    tfjsName: 'webgpu',
    versions: versions(found),
    threads: 1,
    gpu: !adapter.software,
    adapter,
    optimizers: webgpuOptimizers,
  };
}

async function startNative(name: 'gpu' | 'native', found: InstalledPackage): Promise<Started | string> {
  const checked = await checkAddon(found, found.name === PACKAGES.gpu);
  if (!checked.ok) return `${found.name}: ${checked.error}`;
  if (name === 'gpu' && !checked.gpu) return `${found.name} sees no GPU`;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // TensorFlow's greetings; errors still show.
  supplyRemovedUtil();
  try {
    await import(pathToFileURL(found.main).href);
    if (!(await tf.setBackend('tensorflow'))) return `${found.name} did not start`;
  } catch (error) {
    return `${found.name}: ${firstLine(error)}`;
  }
  registerNativeTraining();
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as {
    binding: { TF_Version: string };
    isUsingGpuDevice: boolean;
  };
  const recorder = nativeRecorder();
  return {
    name,
    tfjsName: 'tensorflow',
    versions: { ...versions(found), tensorflow: binding.TF_Version },
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism(),
    gpu: isUsingGpuDevice,
    optimizers: nativeOptimizers,
    ...(recorder && { recorder }),
  };
}

async function startPlain(name: 'wasm' | 'cpu', found: InstalledPackage): Promise<Started | string> {
  let threads = 1;
  try {
    const loaded = (await import(pathToFileURL(found.main).href)) as { getThreadsCount?: () => number };
    if (name === 'wasm') registerWasmTraining();
    if (!(await tf.setBackend(name))) return `${found.name} did not start`;
    await tf.ready();
    if (name === 'wasm') threads = loaded.getThreadsCount?.() ?? 1;
    // The cpu backend greets Node users with an advertisement for tfjs-node; `doctor` says it better.
    else (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
  } catch (error) {
    return `${found.name}: ${firstLine(error)}`;
  }
  return { name, tfjsName: name, versions: versions(found), threads, gpu: false, optimizers: undefined };
}

function versions(found: InstalledPackage): { node: string; tfjs: string; package: string } {
  return { node: process.versions.node, tfjs: tf.version_core, package: `${found.name} ${found.version}` };
}

function firstLine(error: unknown): string {
  return String((error as Error)?.message ?? error)
    .split('\n')[0]
    .trim();
}
