import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { BackendError } from '../error.js';
import type { InstalledPackage } from '../packages.js';
import { lastLine, run } from './run.js';

/** Where `require('@tensorflow/tfjs-node')` looks for its addon: `lib/napi-v<n>/tfjs_binding.node`. */
export function bindingPath(tfjsNode: InstalledPackage): string {
  const manifest = JSON.parse(readFileSync(join(tfjsNode.root, 'package.json'), 'utf8')) as {
    binary?: { napi_versions?: number[] };
  };
  const supported = Number(process.versions.napi ?? 8);
  const version = Math.max(...(manifest.binary?.napi_versions ?? [8]).filter((v) => v <= supported));
  return join(tfjsNode.root, 'lib', `napi-v${version}`, 'tfjs_binding.node');
}

/** C++ of our own, absolute: the ops that go into the addon, their headers, and the loader in front of it. */
function ownSources(): string[] {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('@espalier/backend/package.json')),
    'addon',
  );
  const files = readdirSync(folder).filter((file) => /\.(cc|h)$/.test(file));
  return files.sort().map((file) => join(folder, file));
}

const isLoader = (file: string): boolean => basename(file) === 'quiet-loader.cc';

/** Changes with every change of our C++. */
function revision(): string {
  const hash = createHash('sha256');
  for (const file of ownSources()) hash.update(`${basename(file)}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 8);
}

/** Name of the compiled addon in the cache; the CPU and GPU packages have sources of their own. */
export function addonName(tfjsNode: InstalledPackage): string {
  return `${tfjsNode.name.replace('@tensorflow/', '')}-${tfjsNode.version}-${revision()}.node`;
}

/**
 * Compiles the addon's C++ sources, which the npm package carries, against the unpacked library, with
 * our ops (`addon/`), and the quiet loader that Node opens in front. Both find what they need relative to themselves, so the
 * directory may be moved as a whole.
 *
 * @returns the files the addon needs
 * @throws BackendError `tool-missing` without a C++ compiler, `build-failed`
 */
export async function compileAddon(tfjsNode: InstalledPackage, directory: string): Promise<string[]> {
  const libraries = await libraryFiles(directory);
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((f) => join(tfjsNode.root, 'binding', f));
  const runPath = process.platform === 'darwin' ? '@loader_path/tensorflow' : '$ORIGIN/tensorflow';
  const target = join(directory, addonName(tfjsNode));
  const inner = `${target}.so`;
  const own = ownSources().filter((file) => file.endsWith('.cc'));
  await compile(inner, [
    `-I${join(directory, 'tensorflow', 'include')}`,
    `-I${join(tfjsNode.root, 'binding')}`,
    ...sources,
    ...own.filter((file) => !isLoader(file)),
    ...libraries,
    `-Wl,-rpath,${runPath}`,
  ]);
  await compile(target, [...own.filter(isLoader), ...(process.platform === 'linux' ? ['-ldl'] : [])]);
  return [inner, ...libraries];
}

/** TensorFlow's two libraries in an unpacked wheel; none where it is not whole. */
export async function libraryFiles(directory: string): Promise<string[]> {
  const library = join(directory, 'tensorflow');
  const files = (await readdir(library).catch(() => [])).filter((f) => LIBRARY.test(f));
  return files.length === 2 ? files.map((f) => join(library, f)) : [];
}

const LIBRARY = /^libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$/;

/**
 * The C++ compiler to use: `$CXX`, g++, clang++ or c++.
 *
 * @throws BackendError `tool-missing`
 */
export async function findCompiler(): Promise<string> {
  for (const compiler of [process.env.CXX, 'g++', 'clang++', 'c++']) {
    if (compiler && (await run(compiler, ['--version'], { timeout: 60_000 })).code === 0) return compiler;
  }
  throw new BackendError(
    'tool-missing',
    'a C++ compiler is needed once, to build the native addon, and g++ was not found',
    'Install one (Debian/Ubuntu: apt-get install g++; macOS: xcode-select --install); until then the wasm backend is used.',
  );
}

/** Compiles a shared library and renames it into place. */
async function compile(target: string, more: readonly string[]): Promise<void> {
  const compiler = await findCompiler();
  const headers = (createRequire(import.meta.url)('node-api-headers') as { include_dir: string }).include_dir;
  const temporary = `${target}.${process.pid}.tmp`;
  // Loops with √ and selections are vectorised only where neither errno nor floating-point traps matter.
  const fast = ['-O3', '-fno-math-errno', '-fno-trapping-math'];
  const args = [
    '-std=c++17',
    ...fast,
    '-fPIC',
    '-pthread',
    '-shared',
    '-DNAPI_VERSION=8',
    `-I${headers}`,
    ...more,
  ];
  if (process.platform === 'darwin') args.push('-undefined', 'dynamic_lookup');
  args.push('-o', temporary);
  const result = await run(compiler, args, { timeout: 600_000 });
  if (result.code !== 0) {
    await rm(temporary, { force: true });
    const why = result.stderr.split('\n').find((l) => /error/i.test(l)) ?? lastLine(result.stderr);
    throw new BackendError('build-failed', `${compiler} failed: ${why.trim()}`, 'The wasm backend is used.');
  }
  await rename(temporary, target);
}

/**
 * Puts a cached addon where the package looks for it: a link, because the addon finds its library relative to
 * its real place; a copy where links are not allowed. Atomic, so that others may be loading it now.
 */
export async function linkAddon(tfjsNode: InstalledPackage, addon: string): Promise<void> {
  const target = bindingPath(tfjsNode);
  if (await linksTo(target, addon)) return;
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await symlink(addon, temporary).catch(() => copyFile(addon, temporary));
  await rename(temporary, target);
}

/** Whether `target` is a link to `addon`. */
export async function linksTo(target: string, addon: string): Promise<boolean> {
  const info = await lstat(target).catch(() => undefined);
  return info?.isSymbolicLink() === true && (await readlink(target)) === addon;
}
