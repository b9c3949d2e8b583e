import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '@espalier/host';
import { DatasetError } from '../errors.js';

const HOUR = 3_600_000;
const PREFIX = '.fetch-';

/** The user's cache of data: `datasets` in `cacheRoot()` of `@espalier/host`. */
export function defaultCacheDir(): string {
  return join(cacheRoot(), 'datasets');
}

function cacheError(path: string, cause: unknown): DatasetError {
  return new DatasetError('cache', `${path} cannot be written: ${(cause as Error).message}.`, {
    cause,
    remedy: 'Free some space, or name another folder (option cacheDir, or the variable XDG_CACHE_HOME).',
  });
}

/**
 * Runs `work` in a new folder beside the cached files and removes it afterwards. Folders that a killed process
 * left there more than an hour ago are removed too.
 */
export async function inTemporaryDir<T>(cacheDir: string, work: (dir: string) => Promise<T>): Promise<T> {
  let dir: string;
  try {
    await mkdir(cacheDir, { recursive: true });
    for (const name of await readdir(cacheDir)) {
      const old = join(cacheDir, name);
      if (!name.startsWith(PREFIX)) continue;
      const made = await stat(old).catch(() => undefined);
      if (made !== undefined && made.mtimeMs < Date.now() - HOUR)
        await rm(old, { recursive: true, force: true });
    }
    dir = await mkdtemp(join(cacheDir, PREFIX));
  } catch (cause) {
    throw cacheError(cacheDir, cause);
  }
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Writes files to the cache, each under a temporary name that is then renamed: a reader sees a whole file or none,
 * and two processes that write the same one do not disturb each other.
 */
export async function store(
  cacheDir: string,
  name: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  await inTemporaryDir(cacheDir, async (temporary) => {
    try {
      await mkdir(join(cacheDir, name), { recursive: true });
      for (const [file, bytes] of files) {
        await writeFile(join(temporary, file), bytes);
        await rename(join(temporary, file), join(cacheDir, name, file));
      }
    } catch (cause) {
      throw cacheError(join(cacheDir, name), cause);
    }
  });
}
