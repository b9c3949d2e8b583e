import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The user's cache directory for Espalier: `$XDG_CACHE_HOME/espalier`, else the platform's usual place
 * (`~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`).
 *
 * @example
 * ```ts
 * import { cacheRoot } from '@espalier/backend';
 * if (!cacheRoot({ XDG_CACHE_HOME: '/tmp/cache' }).endsWith('espalier')) throw new Error(cacheRoot());
 * ```
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'espalier');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'espalier');
  if (platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'espalier', 'Cache');
  return join(homedir(), '.cache', 'espalier');
}

/** Where one TensorFlow library and the addons built against it are kept, e.g. `tensorflow-2.21.0-linux-x64`. */
export function libraryDirectory(flavour: string, version: string): string {
  return join(cacheRoot(), `${flavour}-${version}-${process.platform}-${process.arch}`);
}
