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

/** The kinds of backend, fastest first. */
export type BackendName = 'gpu' | 'native' | 'wasm' | 'cpu';

/** Which backend to start, and whom to tell. */
export interface StartOptions {
  /** Default `auto`: the first of gpu, native, wasm, cpu that works. */
  readonly prefer?: 'auto' | BackendName;
  /** Receives one line that says what was chosen and why. Default: silent. */
  readonly log?: (line: string) => void;
}

/** A backend that runs. */
export interface Backend {
  readonly name: BackendName;
  /** What `tf.getBackend()` says: tensorflow, wasm or cpu. */
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
  /** TensorFlow's fused update rules; undefined where there are none and plain TF.js ops must do. */
  readonly optimizers: NativeOptimizers | undefined;
}

/** The npm package that brings each backend. */
export const PACKAGES: Readonly<Record<BackendName, string>> = {
  gpu: '@tensorflow/tfjs-node-gpu',
  native: '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};
/** Fastest first. */
export const BACKEND_NAMES: readonly BackendName[] = ['gpu', 'native', 'wasm', 'cpu'];

/**
 * Starts the fastest TF.js backend that works (tfjs-node-gpu, tfjs-node, wasm, cpu), or the one asked for, and
 * makes it the current one. The packages are optional peers, looked up in the user's project and then beside
 * this package, and loaded only when chosen. Training kernels that the wasm backend lacks, and faster ones
 * for the native backend, are registered on the way.
 *
 * @throws BackendError `backend-unknown` for a wrong name, `backend-unavailable` when the one asked for (or,
 *   with `auto`, every one) cannot be had; the message says what to do
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
  for (const name of prefer === 'auto' ? BACKEND_NAMES : [prefer]) {
    const started = await start(name);
    if (typeof started === 'string') {
      reasons.push(started);
      continue;
    }
    const why = prefer === 'auto' ? ['the fastest that works', ...reasons].join('; ') : 'asked for';
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
  const device = backend.gpu ? ', GPU' : `, ${threads} thread${threads === 1 ? '' : 's'}`;
  return `backend ${backend.name}: ${versions.package}${library}${device} (${backend.why})`;
}

function remedy(prefer: 'auto' | BackendName): string {
  if (prefer === 'gpu') {
    return 'Install @tensorflow/tfjs-node-gpu, run `espalier setup --gpu`, and check the NVIDIA driver (nvidia-smi).';
  }
  if (prefer === 'native') return 'Install @tensorflow/tfjs-node and run `espalier setup`.';
  if (prefer === 'auto') {
    return 'Install @tensorflow/tfjs-backend-wasm, or @tensorflow/tfjs-node and run `espalier setup`.';
  }
  return `Install ${PACKAGES[prefer]}.`;
}

/** Starts one backend, or says in a few words why not. */
async function start(name: BackendName): Promise<Omit<Backend, 'why'> | string> {
  let found = findPackage(PACKAGES[name]);
  // The GPU package computes on the CPU where there is no GPU: as good as the other one, if that is missing.
  if (name === 'native') found ??= findPackage(PACKAGES.gpu);
  if (!found) return `${PACKAGES[name]} is not installed`;
  return name === 'gpu' || name === 'native' ? startNative(name, found) : startPlain(name, found);
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
