import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { BackendError } from './error.js';
import { type NativeOptimizers, nativeOptimizers } from './native/optimizers.js';
import { registerNativeTraining } from './native/register.js';
import { supplyRemovedUtil } from './node-compat.js';
import { findPackage, type InstalledPackage } from './packages.js';
import { checkAddon } from './setup/setup.js';
import { registerWasmTraining } from './wasm/register.js';
import { adapterLine, type WebgpuAdapter } from './webgpu/adapter.js';
import { provideWebgpu } from './webgpu/dawn.js';
import { registerWebgpuTraining } from './webgpu/install.js';
import { type GpuOptimizers, webgpuOptimizers } from './webgpu/kernels/optimizers.js';
import { openWebgpu } from './webgpu/register.js';

/** The kinds of backend. `gpu` is TensorFlow on CUDA. */
export type BackendName = 'gpu' | 'webgpu' | 'native' | 'wasm' | 'cpu';

/** Which backend to start, and whom to tell. */
export interface StartOptions {
  /**
   * Default `auto`: the first of gpu, native, wasm, cpu that works. `gpu`: TensorFlow on CUDA where that works, else
   * WebGPU on a card. `webgpu`: WebGPU on whatever there is, software too.
   */
  readonly prefer?: 'auto' | BackendName;
  /** Receives one line that says what was chosen and why. Default: silent. */
  readonly log?: (line: string) => void;
}

/** A backend that runs. */
export interface Backend {
  readonly name: BackendName;
  /** What `tf.getBackend()` says: tensorflow, webgpu, wasm or cpu. */
  readonly tfjsName: string;
  /** Why this one: what faster ones lacked. One line. */
  readonly why: string;
  readonly versions: {
    readonly node: string;
    readonly tfjs: string;
    /** npm package of the backend, e.g. `@tensorflow/tfjs-node 4.22.0`. */
    readonly package: string;
    /** libtensorflow, where there is one. */
    readonly tensorflow?: string;
  };
  /** Threads it computes with. */
  readonly threads: number;
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
  /** The device, on WebGPU. */
  readonly adapter?: WebgpuAdapter;
  /** TensorFlow's fused update rules; undefined where there are none and plain TF.js ops must do. */
  readonly optimizers: NativeOptimizers | GpuOptimizers | undefined;
}

/** The npm package that brings each backend. */
export const PACKAGES: Readonly<Record<BackendName, string>> = {
  gpu: '@tensorflow/tfjs-node-gpu',
  webgpu: '@tensorflow/tfjs-backend-webgpu',
  native: '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};
/** Those of a GPU first, then fastest first. */
export const BACKEND_NAMES: readonly BackendName[] = ['gpu', 'webgpu', 'native', 'wasm', 'cpu'];

/** What is tried, in order, for what is asked for. */
function candidates(prefer: 'auto' | BackendName): readonly BackendName[] {
  if (prefer === 'auto') return ['gpu', 'native', 'wasm', 'cpu'];
  return prefer === 'gpu' ? ['gpu', 'webgpu'] : [prefer];
}

/**
 * Starts the fastest TF.js backend that works (tfjs-node-gpu, tfjs-node, wasm, cpu), or the one asked for (WebGPU
 * too), and makes it the current one. The packages are optional peers, looked up in the user's project and then beside
 * this package, and loaded only when chosen. Training kernels that the wasm backend lacks, and faster ones
 * for the native backend, are registered on the way.
 *
 * @throws BackendError `backend-unknown` for a wrong name, `backend-unavailable` when the one asked for (or,
 *   with `auto`, every one) cannot be had; for `webgpu` `package-missing` or `no-adapter`; the message says what to do
 *
 * @example
 * ```ts
 * import { startBackend } from '@espalier/backend';
 * const backend = await startBackend({ prefer: 'cpu' });
 * if (backend.tfjsName !== 'cpu' || backend.optimizers !== undefined) throw new Error(backend.why);
 * ```
 */
export async function startBackend(options: StartOptions = {}): Promise<Backend> {
  const { prefer = 'auto', log } = options;
  if (prefer !== 'auto' && !BACKEND_NAMES.includes(prefer)) {
    throw new BackendError(
      'backend-unknown',
      `there is no backend "${String(prefer)}"`,
      `Use one of auto, ${BACKEND_NAMES.join(', ')}.`,
    );
  }
  const reasons: string[] = [];
  for (const name of candidates(prefer)) {
    // A card is what `gpu` asks for; a program that plays one is for who asks for `webgpu` by name.
    const started = name === 'webgpu' ? await tryWebgpu(prefer) : await start(name);
    if (typeof started === 'string') {
      reasons.push(started);
      continue;
    }
    const because = prefer === 'auto' ? 'the fastest that works' : 'asked for';
    const why = [because, ...reasons].join('; ');
    const backend: Backend = { ...started, why };
    log?.(describe(backend));
    return backend;
  }
  const what = prefer === 'auto' ? 'no backend works' : `the ${prefer} backend cannot be had`;
  throw new BackendError('backend-unavailable', `${what}: ${reasons.join('; ')}`, remedy(prefer));
}

/** One line on a running backend. */
export function describe(backend: Backend): string {
  const { versions, threads } = backend;
  const library = versions.tensorflow ? `, TensorFlow ${versions.tensorflow}` : '';
  const plain = backend.gpu ? 'GPU' : `${threads} thread${threads === 1 ? '' : 's'}`;
  const device = `, ${backend.adapter ? adapterLine(backend.adapter) : plain}`;
  return `backend ${backend.name}: ${versions.package}${library}${device} (${backend.why})`;
}

function remedy(prefer: 'auto' | BackendName): string {
  if (prefer === 'gpu') {
    return (
      'For any card: install @tensorflow/tfjs-backend-webgpu and webgpu. For CUDA: install @tensorflow/tfjs-node-gpu, ' +
      'run `espalier setup --gpu`, and check the NVIDIA driver (nvidia-smi).'
    );
  }
  if (prefer === 'native') return 'Install @tensorflow/tfjs-node and run `espalier setup`.';
  if (prefer === 'auto') {
    return 'Install @tensorflow/tfjs-backend-wasm, or @tensorflow/tfjs-node and run `espalier setup`.';
  }
  return `Install ${PACKAGES[prefer]}.`;
}

/** Starts one backend, or says in a few words why not. */
async function start(name: Exclude<BackendName, 'webgpu'>): Promise<Omit<Backend, 'why'> | string> {
  let found = findPackage(PACKAGES[name]);
  // The GPU package computes on the CPU where there is no GPU: as good as the other one, if that is missing.
  if (name === 'native') found ??= findPackage(PACKAGES.gpu);
  if (!found) return `${PACKAGES[name]} is not installed`;
  return name === 'gpu' || name === 'native' ? startNative(name, found) : startPlain(name, found);
}

/** WebGPU; a reason in words when it was only one of several to try. */
async function tryWebgpu(prefer: 'auto' | BackendName): Promise<Omit<Backend, 'why'> | string> {
  try {
    return await startWebgpu(prefer === 'webgpu');
  } catch (error) {
    if (prefer === 'webgpu' || !(error instanceof BackendError)) throw error;
    return firstLine(error);
  }
}

async function startWebgpu(software: boolean): Promise<Omit<Backend, 'why'>> {
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

async function startNative(
  name: 'gpu' | 'native',
  found: InstalledPackage,
): Promise<Omit<Backend, 'why'> | string> {
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
  return {
    name,
    tfjsName: 'tensorflow',
    versions: { ...versions(found), tensorflow: binding.TF_Version },
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism(),
    gpu: isUsingGpuDevice,
    optimizers: nativeOptimizers,
  };
}

async function startPlain(
  name: 'wasm' | 'cpu',
  found: InstalledPackage,
): Promise<Omit<Backend, 'why'> | string> {
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
