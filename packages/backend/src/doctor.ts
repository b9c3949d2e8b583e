import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { BACKEND_NAMES, type BackendName } from './backend.js';
import { findPackage } from './packages.js';
import { bindingPath } from './setup/addon.js';
import { probe } from './setup/probe.js';
import { attach } from './setup/setup.js';
import { PACKAGES } from './starters.js';
import { adapterLine, describeAdapter, noAdapterRemedy, type WebgpuAdapter } from './webgpu/adapter.js';
import { DAWN } from './webgpu/dawn.js';

/** What is known about one backend on this machine. */
export interface DoctorRow {
  readonly backend: BackendName;
  /** The npm package that brings it. */
  readonly package: string;
  /** `works`; `installed`, but it does not work; `missing`. */
  readonly found: 'works' | 'installed' | 'missing';
  /** Version of the package, and of TensorFlow where there is one; empty when missing. */
  readonly version: string;
  /** Whether it computes on a GPU; undefined when it could not be asked. */
  readonly gpu?: boolean;
  /** The device, on WebGPU. */
  readonly adapter?: WebgpuAdapter;
  /** What is wrong and what to do about it; empty when nothing. */
  readonly advice: string;
}

/**
 * Tries each backend in a process of its own, so that a broken addon takes nothing down with it. Takes a second or
 * two. An addon that lies in the cache is linked into node_modules on the way.
 *
 * @example
 * ```ts no-run
 * import { describe, doctor, startBackend } from '@espalier/backend';
 * for (const { backend, found, advice } of await doctor()) console.log(backend, found, advice);
 * console.log(describe(await startBackend()));
 * ```
 */
export function doctor(): Promise<DoctorRow[]> {
  return Promise.all(BACKEND_NAMES.map((name) => (name === 'webgpu' ? examineWebgpu() : examine(name))));
}

async function examineWebgpu(): Promise<DoctorRow> {
  const row = { backend: 'webgpu', package: PACKAGES.webgpu } as const;
  const found = findPackage(PACKAGES.webgpu);
  const dawn = findPackage(DAWN);
  if (!found || !dawn) {
    const advice = `for any GPU: npm install ${PACKAGES.webgpu}@4.22.0 ${DAWN}`;
    return { ...row, found: 'missing', version: '', advice };
  }
  const version = `${found.version}, Dawn ${dawn.version}`;
  const core = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core');
  const { ok, error, adapter: told } = await probe(found.main, core, 'webgpu', pathToFileURL(dawn.main).href);
  if (!ok) {
    return { ...row, found: 'installed', version, advice: `does not work (${error}): ${noAdapterRemedy()}` };
  }
  const adapter = describeAdapter(told!);
  const advice = adapter.software ? `right but slow, on the CPU; for a card: ${noAdapterRemedy()}` : '';
  return { ...row, found: 'works', version, gpu: !adapter.software, adapter, advice };
}

async function examine(backend: Exclude<BackendName, 'webgpu'>): Promise<DoctorRow> {
  const found = findPackage(PACKAGES[backend]);
  const row = { backend, package: PACKAGES[backend] };
  const native = backend === 'gpu' || backend === 'native';
  const build = `espalier setup${backend === 'gpu' ? ' --gpu' : ''}`;
  if (!found) {
    const install = `npm install ${native ? '--ignore-scripts ' : ''}${PACKAGES[backend]}@4.22.0`;
    const needless = backend === 'gpu' ? 'only for NVIDIA GPUs: ' : '';
    return {
      ...row,
      found: 'missing',
      version: '',
      advice: `${needless}${install}${native ? `, then ${build}` : ''}`,
    };
  }
  if (native) {
    await attach(found, backend === 'gpu');
    if (!existsSync(bindingPath(found))) {
      return { ...row, found: 'installed', version: found.version, advice: `not built: ${build}` };
    }
  }
  const core = native ? '' : createRequire(import.meta.url).resolve('@tensorflow/tfjs-core');
  const result = await probe(found.main, core, native ? 'tensorflow' : backend);
  const version = result.tensorflow ? `${found.version}, TensorFlow ${result.tensorflow}` : found.version;
  if (!result.ok) {
    const remedy = native ? build : `reinstall ${PACKAGES[backend]}`;
    return { ...row, found: 'installed', version, advice: `does not work (${result.error}): ${remedy}` };
  }
  const gpu = result.gpu ?? false;
  const advice = backend === 'gpu' && !gpu ? 'sees no GPU: check the NVIDIA driver (nvidia-smi)' : '';
  return { ...row, found: 'works', version, gpu, advice };
}

/**
 * The rows as a table of plain text.
 *
 * @example
 * ```ts
 * import { type DoctorRow, formatDoctor } from '@espalier/backend';
 * const row: DoctorRow = { backend: 'cpu', package: 'p', found: 'works', version: '4', gpu: false, advice: '' };
 * if (!formatDoctor([row]).includes('cpu      p        works  4        no   -')) throw new Error(formatDoctor([row]));
 * ```
 */
export function formatDoctor(rows: readonly DoctorRow[]): string {
  const lines = [['backend', 'package', 'found', 'version', 'gpu', 'what to do']];
  for (const row of rows) {
    const gpu = row.gpu === undefined ? '-' : row.gpu ? 'yes' : 'no';
    lines.push([row.backend, row.package, row.found, row.version || '-', gpu, row.advice || '-']);
  }
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const format = (line: string[]): string =>
    line.map((cell, i) => (i === line.length - 1 ? cell : cell.padEnd(widths[i]))).join('  ');
  const rule = widths.map((w) => '-'.repeat(w)).join('  ');
  const adapters = rows.flatMap(({ adapter }) => (adapter ? [`webgpu computes on ${limits(adapter)}`] : []));
  return [format(lines[0]), rule, ...lines.slice(1).map(format), ...adapters].join('\n');
}

/** The device and its limits, in one line. */
function limits(adapter: WebgpuAdapter): string {
  const { maxTensorBytes, maxThreadsPerBlock, maxBuffersPerProgram } = adapter;
  const gigabytes = (maxTensorBytes / 2 ** 30).toFixed(1);
  return `${adapterLine(adapter)}: tensors up to ${gigabytes} GiB, ${maxThreadsPerBlock} threads a block, ${maxBuffersPerProgram} buffers a program`;
}
