import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The home directory; `HOME=''` says nothing, and then the machine's list of users does. */
const home = ({ HOME }: NodeJS.ProcessEnv): string => (HOME === '' ? userInfo().homedir : homedir());

/**
 * The user's cache directory for Espalier: `$XDG_CACHE_HOME/espalier`, else the platform's usual place
 * (`~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`). Always absolute: variables that are empty or relative are passed
 * over, so that nothing is ever cached beside the user's own files.
 *
 * @example
 * ```ts
 * import { cacheRoot } from '@espalier/host';
 * if (!cacheRoot({ XDG_CACHE_HOME: '/tmp/cache' }).endsWith('espalier')) throw new Error(cacheRoot());
 * ```
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  const { XDG_CACHE_HOME: xdg = '', LOCALAPPDATA: local = '' } = env;
  if (isAbsolute(xdg)) return join(xdg, 'espalier');
  if (platform === 'darwin') return join(home(env), 'Library', 'Caches', 'espalier');
  if (platform === 'win32' && isAbsolute(local)) return join(local, 'espalier', 'Cache');
  return join(home(env), '.cache', 'espalier');
}
