import * as tf from '@tensorflow/tfjs-core';
import { type BackendTrial, faster, timeSteps } from './auto.js';
import { BACKEND_NAMES, type Backend, type BackendName, type Started } from './backend.js';
import { BackendError } from './error.js';
import { chooseThreads } from './native/threads.js';
import { PACKAGES, start, tryWebgpu } from './starters.js';
import { adapterLine } from './webgpu/adapter.js';

/** Which backend to start, and whom to tell. */
export interface StartOptions {
  /**
   * Default `auto`: the first of gpu, native, wasm, cpu that works, or WebGPU on a card where `trial` runs faster on
   * it. `gpu`: TensorFlow on CUDA where that works, else WebGPU on a card. `webgpu`: WebGPU on whatever there is,
   * software too.
   */
  readonly prefer?: 'auto' | BackendName;
  /** For `auto`: a short training of the model in question, by which a card is measured against the CPU. */
  readonly trial?: BackendTrial;
  /**
   * Threads that native TensorFlow computes with, at least 1; or `measured`: as many as make `trial` fastest. Default: what
   * `TF_NUM_INTRAOP_THREADS` says, else all cores. Sums may differ in their last bit with the number of threads.
   */
  readonly threads?: number | 'measured';
  /** Receives one line that says what was chosen and why. Default: silent. */
  readonly log?: (line: string) => void;
}

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
  const { prefer = 'auto', log, trial, threads } = options;
  if (prefer !== 'auto' && !BACKEND_NAMES.includes(prefer)) {
    throw new BackendError(
      'backend-unknown',
      `there is no backend "${String(prefer)}"`,
      `Use one of auto, ${BACKEND_NAMES.join(', ')}.`,
    );
  }
  if (threads !== undefined && threads !== 'measured' && !(Number.isInteger(threads) && threads >= 1)) {
    throw new BackendError(
      'threads',
      `threads is ${String(threads)}`,
      "Give a whole number, at least 1, or 'measured'.",
    );
  }
  const reasons: string[] = [];
  for (const name of candidates(prefer)) {
    // A card is what `gpu` asks for; a program that plays one is for who asks for `webgpu` by name.
    const found = name === 'webgpu' ? await tryWebgpu(prefer) : await start(name);
    if (typeof found === 'string') {
      reasons.push(found);
      continue;
    }
    const { backend: started, why: counted } = await chooseThreads(found, threads, trial);
    const measured =
      prefer === 'auto' && trial && !started.gpu ? await compareWithCard(started, trial) : undefined;
    const chosen = typeof measured === 'object' ? measured.backend : started;
    const because = prefer === 'auto' ? 'the fastest that works' : 'asked for';
    const whys = typeof measured === 'object' ? [measured.why] : [because, measured ?? '', counted ?? ''];
    const backend: Backend = { ...chosen, why: [...whys, ...reasons].filter(Boolean).join('; ') };
    log?.(describe(backend));
    return backend;
  }
  const what = prefer === 'auto' ? 'no backend works' : `the ${prefer} backend cannot be had`;
  throw new BackendError('backend-unavailable', `${what}: ${reasons.join('; ')}`, remedy(prefer));
}

/** The CPU's backend or WebGPU, whichever trains the model faster, or in words why there is nothing to compare. */
async function compareWithCard(
  cpu: Started,
  trial: BackendTrial,
): Promise<{ backend: Started; why: string } | string> {
  const card = await tryWebgpu('auto');
  if (typeof card === 'string') return card;
  try {
    const chosen = faster(await timeSteps(cpu, trial), await timeSteps(card, trial));
    if (chosen.backend === cpu) tf.removeBackend('webgpu');
    await tf.setBackend(chosen.backend.tfjsName);
    return chosen;
  } catch (error) {
    tf.removeBackend('webgpu');
    await tf.setBackend(cpu.tfjsName);
    return `${adapterLine(card.adapter!)}, cannot train this model (${String((error as Error).message).split('\n')[0]})`;
  }
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
