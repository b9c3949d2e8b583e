import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { findPackage } from './packages.js';
import { bindingPath } from './setup/addon.js';
import { probe } from './setup/probe.js';
import { attach } from './setup/setup.js';
import { BACKEND_NAMES, type BackendName, PACKAGES } from './start.js';

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
  /** What is wrong and what to do about it; empty when nothing. */
  readonly advice: string;
}

/**
 * Tries each backend in a process of its own, so that a broken addon takes nothing down with it. Takes a second or
 * two. An addon that lies in the cache is linked into node_modules on the way.
 */
export function doctor(): Promise<DoctorRow[]> {
  return Promise.all(BACKEND_NAMES.map(examine));
}

async function examine(backend: BackendName): Promise<DoctorRow> {
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
  return [format(lines[0]), widths.map((w) => '-'.repeat(w)).join('  '), ...lines.slice(1).map(format)].join(
    '\n',
  );
}
