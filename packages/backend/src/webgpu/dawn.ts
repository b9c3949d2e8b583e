import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { BackendError } from '../error.js';
import { findPackage } from '../packages.js';
import { type Gpu, navigatorGpu } from './gpu.js';

/** The npm package that brings Dawn, the WebGPU of Chromium, to Node. */
export const DAWN = 'webgpu';

/**
 * Gives Node what a page has: `navigator.gpu` and WebGPU's global names, by Dawn. Does nothing where they are there
 * already. `ESPALIER_WEBGPU_ADAPTER`, part of an adapter's name, chooses among several.
 *
 * @throws BackendError `package-missing`; `backend-unavailable` where Dawn cannot be loaded
 */
export async function provideWebgpu(): Promise<Gpu> {
  const there = navigatorGpu();
  if (there) return there;
  const { create, globals } = await loadDawn();
  // Vulkan's loader complains where there is no desktop.
  if (process.platform === 'linux') process.env.XDG_RUNTIME_DIR ??= tmpdir();
  const wanted = process.env.ESPALIER_WEBGPU_ADAPTER;
  const gpu = create(wanted ? [`adapter=${wanted}`] : []);
  Object.assign(globalThis, globals);
  // Node 21 and later have a navigator, without `gpu`; TF.js reads `userAgent` of whatever there is.
  const before = (globalThis as { navigator?: { userAgent?: string } }).navigator;
  const userAgent = before?.userAgent ?? `Node.js/${process.versions.node}`;
  const navigator = Object.create(before ?? null, { gpu: { value: gpu }, userAgent: { value: userAgent } });
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  return gpu;
}

async function loadDawn(): Promise<{ create(flags: readonly string[]): Gpu; globals: object }> {
  const found = findPackage(DAWN);
  if (!found) {
    const remedy = `Add it to your project: npm install ${DAWN}.`;
    throw new BackendError('package-missing', `${DAWN} is not installed`, remedy);
  }
  try {
    return await import(pathToFileURL(found.main).href);
  } catch (error) {
    const why = String((error as Error)?.message ?? error).split('\n')[0];
    throw new BackendError(
      'backend-unavailable',
      `${DAWN} ${found.version} cannot be loaded on ${process.platform}-${process.arch} (${why})`,
      'Use another backend: --backend auto.',
    );
  }
}
