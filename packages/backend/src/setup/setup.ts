import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cacheRoot, isAlive, withLock } from '@espalier/host';
import { BackendError } from '../error.js';
import { findPackage, type InstalledPackage } from '../packages.js';
import { addonName, bindingPath, compileAddon, findCompiler, libraryFiles, linkAddon } from './addon.js';
import { libraryDirectory } from './cache.js';
import { isVerified, markVerified, readMarker } from './marker.js';
import { type ProbeResult, probe } from './probe.js';
import { installStock, stockAddon, stockDirectory } from './stock.js';
import { TENSORFLOW_VERSION, unpackTensorFlow } from './wheel.js';

/** What to set up, and whom to tell. */
export interface SetupOptions {
  /** Set up `@tensorflow/tfjs-node-gpu` with CUDA 12 instead of `@tensorflow/tfjs-node`. Default false. */
  readonly gpu?: boolean;
  /** Receives one line per stage. Default: silent. */
  readonly log?: (line: string) => void;
}

/** What is known of the ways to a GPU, so that nobody takes for tested what is not. */
const tried =
  'CUDA: written to the documentation, never run by us on a card. WebGPU (--backend webgpu, nothing to set up): run on an ' +
  'NVIDIA H200 under Linux, driver 580.159, in November 2026.';

/** How the set-up ended. It is never an error that only wasm is left; `message` says why. */
export interface SetupResult {
  readonly backend: 'gpu' | 'native' | 'wasm';
  /** `ready`: was there already; `linked`: taken from the cache; `stock`, `built`: made now; `none`: not possible. */
  readonly how: 'ready' | 'linked' | 'stock' | 'built' | 'none';
  readonly message: string;
  /** The addon in use, absolute. */
  readonly addon?: string;
}

/**
 * Gets the native addon working: the stock binary where its server can be reached, else built from the
 * TensorFlow wheel (python3 with pip, and g++, are needed that once). Kept in the user's cache directory,
 * outside node_modules; verified by a matmul in a child process before it is put to use; under a second when
 * it is there already; safe to run twice at once.
 *
 * @throws BackendError `package-missing` when `@tensorflow/tfjs-node` (or `-gpu`) is not installed
 *
 * @example
 * ```ts
 * import { setup } from '@espalier/backend';
 * const { backend, how } = await setup();
 * if ((backend === 'wasm') !== (how === 'none')) throw new Error(`${backend} ${how}`);
 * ```
 */
export async function setup(options: SetupOptions = {}): Promise<SetupResult> {
  const gpu = options.gpu ?? false;
  const log = options.log ?? (() => undefined);
  const name = gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  if (gpu) log(tried);
  const tfjsNode = findPackage(name);
  if (!tfjsNode) {
    throw new BackendError(
      'package-missing',
      `${name} is not installed`,
      `Add it to your project (npm install --ignore-scripts ${name}@4.22.0) and run the set-up again${gpu ? '; or, for any card without CUDA, npm install @tensorflow/tfjs-backend-webgpu@4.22.0 webgpu and --backend webgpu' : ''}.`,
    );
  }
  const kind = gpu ? 'gpu' : 'native';
  const old = await isOutdated(tfjsNode, gpu);
  const attached = await attach(tfjsNode, gpu, old);
  if (attached) {
    const { how, addon } = attached;
    const blind = gpu && !(await readMarker(addon)).gpu;
    const message = `${name} is ready${blind ? ', but sees no GPU: check the NVIDIA driver (nvidia-smi)' : ''}`;
    return { backend: kind, how, message, addon };
  }
  await mkdir(cacheRoot(), { recursive: true });
  try {
    return await withLock(
      join(cacheRoot(), `${basename(wheelDirectory(gpu))}.lock`),
      () => make(tfjsNode, gpu, log),
      { onWait: () => log('another set-up is at work; waiting for it') },
    );
  } catch (error) {
    const message = `no native backend: ${(error as Error).message}`;
    log(message);
    return { backend: 'wasm', how: 'none', message };
  }
}

/** Where the library of the wheel is cached. */
export function wheelDirectory(gpu: boolean): string {
  return libraryDirectory(gpu ? 'tensorflow-gpu' : 'tensorflow', TENSORFLOW_VERSION);
}

/**
 * The quick way, without a child process: an addon that was verified before, in the package, or in the cache
 * from where it is linked into the package. An addon that is there but unknown is left in its place, unless
 * `replace`. Undefined where there is none.
 */
export async function attach(
  tfjsNode: InstalledPackage,
  gpu: boolean,
  replace = false,
): Promise<{ how: 'ready' | 'linked'; addon: string } | undefined> {
  const own = await realpath(bindingPath(tfjsNode)).catch(() => undefined);
  if (own && !replace) return (await isVerified(own)) ? { how: 'ready', addon: own } : undefined;
  for (const addon of [join(wheelDirectory(gpu), addonName(tfjsNode)), stockAddon(tfjsNode)]) {
    if (!(await isVerified(addon))) continue;
    try {
      await linkAddon(tfjsNode, addon);
      return { how: 'linked', addon };
    } catch {
      return undefined; // node_modules cannot be written: the caller says what is missing.
    }
  }
  return undefined;
}

/** Whether the addon in the package is one of ours, from C++ that has changed since. */
async function isOutdated(tfjsNode: InstalledPackage, gpu: boolean): Promise<boolean> {
  const own = await realpath(bindingPath(tfjsNode)).catch(() => undefined);
  const directory = await realpath(wheelDirectory(gpu)).catch(() => undefined);
  return own !== undefined && dirname(own) === directory && basename(own) !== addonName(tfjsNode);
}

/**
 * Whether the addon in the package can be loaded without danger to this process: verified before, or verified
 * now in a child process. One in the cache is linked into a fresh node_modules.
 */
export async function checkAddon(tfjsNode: InstalledPackage, gpu: boolean): Promise<ProbeResult> {
  const attached = await attach(tfjsNode, gpu);
  if (attached) return readMarker(attached.addon);
  const own = await realpath(bindingPath(tfjsNode)).catch(() => undefined);
  if (!own) return { ok: false, error: `not built: run \`espalier setup${gpu ? ' --gpu' : ''}\`` };
  const found = await probe(tfjsNode.main, '', 'tensorflow');
  if (found.ok) await markVerified(own, found).catch(() => undefined); // node_modules may be read-only.
  return found;
}

async function make(
  tfjsNode: InstalledPackage,
  gpu: boolean,
  log: (line: string) => void,
): Promise<SetupResult> {
  const kind = gpu ? 'gpu' : 'native';
  const done = (how: SetupResult['how'], addon: string, found: ProbeResult): SetupResult => {
    const message = `${tfjsNode.name} ${tfjsNode.version} works, TensorFlow ${found.tensorflow}${found.gpu ? ', GPU' : ''}`;
    log(message);
    return { backend: kind, how, message, addon };
  };
  await sweep();
  // Whoever held the lock before us may have done it all; or npm's own install script, or the user, has.
  const own = await checkAddon(tfjsNode, gpu);
  const old = await isOutdated(tfjsNode, gpu);
  if (own.ok && !old && (own.gpu || !gpu)) return done('ready', await realpath(bindingPath(tfjsNode)), own);
  if (existsSync(bindingPath(tfjsNode)) && !old) {
    log(
      own.ok
        ? 'the addon does not see the GPU'
        : `the addon in ${tfjsNode.root} does not work (${own.error})`,
    );
  }
  const cached = own.ok && !old ? undefined : await attach(tfjsNode, gpu, true);
  if (cached) return done(cached.how, cached.addon, await readMarker(cached.addon));
  const stock = await installStock(tfjsNode, log);
  if (stock) {
    const found = await verify(tfjsNode, stock);
    // CUDA 11 on a machine of today starts, and then computes on the CPU: the wheel's CUDA 12 is better.
    if (found.ok && (found.gpu || !gpu)) return done('stock', stock, found);
    await rm(stockDirectory(tfjsNode), { recursive: true, force: true });
    log(
      found.ok ? 'the stock binary does not see the GPU' : `the stock binary does not work (${found.error})`,
    );
  }
  if (process.platform === 'win32') {
    throw new BackendError('build-failed', 'on Windows only the stock binary works', 'Use wasm.');
  }
  await findCompiler(); // Before the long download, not after it.
  const directory = wheelDirectory(gpu);
  if ((await libraryFiles(directory)).length === 0) {
    const temporary = await mkdtemp(join(cacheRoot(), `.tmp-${process.pid}-`));
    try {
      await unpackTensorFlow(temporary, gpu, log);
      await rm(directory, { recursive: true, force: true });
      await rename(temporary, directory);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
  log('compiling the addon');
  const needs = await compileAddon(tfjsNode, directory);
  const addon = join(directory, addonName(tfjsNode));
  const found = await verify(tfjsNode, addon, needs);
  if (found.ok) return done('built', addon, found);
  await rm(addon, { force: true }); // The library stays: another try need not download it again.
  throw new BackendError(
    'verification-failed',
    `the addon was built but does not work here (${found.error})`,
    'The wasm backend is used.',
  );
}

/** Links, multiplies, marks; takes the link away again when the product is wrong. */
async function verify(
  tfjsNode: InstalledPackage,
  addon: string,
  needs: readonly string[] = [],
): Promise<ProbeResult> {
  await linkAddon(tfjsNode, addon);
  const found = await probe(tfjsNode.main, '', 'tensorflow');
  if (found.ok) await markVerified(addon, found, needs);
  else await rm(bindingPath(tfjsNode), { force: true });
  return found;
}

/** Removes what killed set-ups left behind. Called under the lock. */
async function sweep(): Promise<void> {
  for (const entry of await readdir(cacheRoot())) {
    const pid = Number(/^\.tmp-(\d+)-/.exec(entry)?.[1]);
    if (!pid || (isAlive(pid) && pid !== process.pid)) continue;
    const path = join(cacheRoot(), entry);
    if (await stat(path).catch(() => undefined)) await rm(path, { recursive: true, force: true });
  }
}
