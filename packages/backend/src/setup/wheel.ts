import { createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { staysInside, ZipError, zipMembers } from '@espalier/host';
import { BackendError } from '../error.js';
import { lastLine, type RunResult, run } from './run.js';
import { checkWheel, pinnedTags } from './wheel-hash.js';

/** The TensorFlow release whose wheel carries the C++ library we build against. */
export const TENSORFLOW_VERSION = '2.21.0';

/**
 * Members of the wheel that are kept: the two libraries, and the C API's headers. The twenty headers the
 * addon really includes lie in these folders; all 13,000 would take longer to write than the library.
 */
const WANTED =
  /^tensorflow\/(libtensorflow_(cc|framework)[^/]*|include\/(tensorflow\/c\/.*|tensorflow\/core\/(platform|common_runtime\/next_pluggable_device\/c)\/[^/]*|tsl\/platform\/[^/]*|xla\/tsl\/c\/[^/]*)\.h)$/;

/** Python launchers, and uv, which brings a Python of its own. */
const PIPS: readonly (readonly string[])[] = [
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
  ['pip3'],
  ['uvx', 'pip'],
];

async function findPip(): Promise<readonly string[]> {
  for (const pip of PIPS) {
    const { code } = await run(pip[0], [...pip.slice(1), '--version'], { timeout: 60_000 });
    if (code === 0) return pip;
  }
  throw new BackendError(
    'tool-missing',
    'Python with pip is needed once, to fetch the TensorFlow library, and was not found',
    'Install python3 and pip (Debian/Ubuntu: apt-get install python3-pip), or set ESPALIER_TENSORFLOW_WHEEL to a TensorFlow wheel you have; until then the wasm backend is used.',
  );
}

/**
 * Downloads the wheels of `requirements` (no dependencies) into `directory`; the first of `tags` that there is a wheel for.
 * A wheel whose hash is known must have it.
 */
async function pipDownload(
  requirements: readonly string[],
  directory: string,
  tags: readonly (readonly string[])[],
  log: (line: string) => void,
): Promise<void> {
  const pip = await findPip();
  const args = [...pip.slice(1), 'download', '--no-deps', '--only-binary=:all:', '--retries', '2', '-q'];
  args.push('--disable-pip-version-check', '-d', directory, ...requirements);
  let result: RunResult | undefined;
  for (const tag of tags) {
    result = await run(pip[0], [...args, ...tag], { timeout: 1_800_000 });
    if (result.code === 0) break;
  }
  if (result?.code !== 0) {
    throw new BackendError(
      'download-failed',
      `pip could not fetch ${requirements.join(', ')} (${lastLine(result?.stderr ?? '')})`,
      'Check the network and pip configuration, or set ESPALIER_TENSORFLOW_WHEEL to a wheel you have; until then the wasm backend is used.',
    );
  }
  const wheel = await onlyWheel(directory);
  const hash = await checkWheel(wheel);
  if (hash !== true) log(`${basename(wheel)} has the SHA-256 ${hash}; there is none here to compare it with`);
}

/** The library inside does not depend on Python: any Python's wheel will do where this one has none. */
const anyPython: readonly (readonly string[])[] = [[], ['--python-version', '3.12']];

/** The `nvidia-…` wheels that the `and-cuda` extra of a TensorFlow wheel's METADATA asks for. */
export function cudaRequirements(metadata: string): string[] {
  return metadata
    .split('\n')
    .map((line) => /^Requires-Dist:\s*(nvidia[^;]*);.*extra\s*==\s*['"]and-cuda['"]/.exec(line)?.[1])
    .filter((requirement) => requirement !== undefined)
    .map((requirement) => requirement.replace(/[()\s]/g, ''));
}

/**
 * Fetches and unpacks the TensorFlow library into `directory`: `tensorflow/` with the two libraries and the
 * headers and, for GPUs, `nvidia/` with CUDA 12 and cuDNN beside it, where the library's run path looks.
 * The wheels are deleted as soon as they are unpacked.
 *
 * @throws BackendError `tool-missing` without Python, `download-failed`
 */
export async function unpackTensorFlow(
  directory: string,
  gpu: boolean,
  log: (line: string) => void,
): Promise<void> {
  const downloads = join(directory, 'download');
  await mkdir(downloads, { recursive: true });
  const given = process.env.ESPALIER_TENSORFLOW_WHEEL;
  let wheel: string;
  if (given && !gpu) {
    if (!existsSync(given)) {
      throw new BackendError(
        'download-failed',
        `ESPALIER_TENSORFLOW_WHEEL names ${given}, which does not exist`,
        'Give the path of a wheel.',
      );
    }
    wheel = given;
  } else {
    // Only Linux has the smaller CPU-only package; elsewhere `tensorflow` is CPU-only itself.
    const name = gpu || process.platform !== 'linux' ? 'tensorflow' : 'tensorflow-cpu';
    log(
      `downloading the ${name} ${TENSORFLOW_VERSION} wheel with pip (about 270 MB${gpu ? ' and CUDA' : ''})`,
    );
    const known = gpu ? undefined : pinnedTags[`${process.platform}-${process.arch}`];
    const tags = known ? [known, ...anyPython] : anyPython;
    await pipDownload([`${name}==${TENSORFLOW_VERSION}`], downloads, tags, log);
    wheel = await onlyWheel(downloads);
  }
  log('unpacking the library');
  await unpack(wheel, directory, (name) => WANTED.test(name));
  if (!(await readdir(join(directory, 'tensorflow'))).some((f) => f.startsWith('libtensorflow_cc'))) {
    throw new BackendError('build-failed', `${basename(wheel)} carries no C++ library`, 'Use wasm here.');
  }
  if (gpu) {
    await unpack(wheel, downloads, (name) => /^[^/]+\.dist-info\/METADATA$/.test(name));
    const info = (await readdir(downloads)).find((f) => f.endsWith('.dist-info'));
    const needs = cudaRequirements(await readFile(join(downloads, info ?? '', 'METADATA'), 'utf8'));
    await rm(wheel, { force: true });
    for (const requirement of needs) {
      log(`downloading ${requirement}`);
      await pipDownload([requirement], downloads, anyPython, log);
      const cuda = await onlyWheel(downloads);
      await unpack(cuda, directory, (name) => /^nvidia\/.*\/(lib|bin|nvvm)\//.test(name));
      await rm(cuda);
    }
  }
  await rm(downloads, { recursive: true, force: true });
}

async function onlyWheel(directory: string): Promise<string> {
  const wheel = (await readdir(directory)).find((file) => file.endsWith('.whl'));
  if (!wheel) throw new BackendError('download-failed', 'pip left no wheel', 'Run the set-up again.');
  return join(directory, wheel);
}

/**
 * Unpacks the wanted members of a wheel. Nothing is written where a name of it leads out of the folder.
 *
 * @throws BackendError `download-failed`
 */
export async function unpack(
  wheel: string,
  directory: string,
  wanted: (name: string) => boolean,
): Promise<void> {
  const bad = (what: string, cause?: unknown): BackendError =>
    new BackendError('download-failed', `${basename(wheel)} ${what}`, 'Run the set-up again.', { cause });
  try {
    for await (const { name } of zipMembers(wheel)) {
      if (!staysInside(name)) throw bad(`has a member named ${JSON.stringify(name)}`);
    }
    for await (const member of zipMembers(wheel)) {
      if (!wanted(member.name) || member.name.endsWith('/')) continue;
      const target = join(directory, member.name);
      await mkdir(dirname(target), { recursive: true });
      await pipeline(member.read, createWriteStream(target));
      if (/\/bin\//.test(target)) await chmod(target, 0o755); // ptxas, which TensorFlow runs.
    }
  } catch (cause) {
    if (!(cause instanceof ZipError)) throw cause;
    throw bad(`is damaged: ${cause.message}`, cause);
  }
}
