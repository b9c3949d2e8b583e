import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';
import { cacheRoot } from '@espalier/host';
import type { InstalledPackage } from '../packages.js';
import { bindingPath } from './addon.js';
import { libraryDirectory } from './cache.js';
import { lastLine, run } from './run.js';

/** A download that brings nothing for this long is given up. */
const STALL_MS = 15_000;

/** Where the stock library and addon are cached. */
export function stockDirectory(tfjsNode: InstalledPackage): string {
  return libraryDirectory(`${tfjsNode.name.replace('@tensorflow/', '')}-stock`, tfjsNode.version);
}

/** The stock addon: two folders deep as in the package, since it looks for `../../deps/lib` from there. */
export function stockAddon(tfjsNode: InstalledPackage): string {
  return join(stockDirectory(tfjsNode), relative(tfjsNode.root, bindingPath(tfjsNode)));
}

/**
 * Runs the package's own install script, which downloads libtensorflow and the matching addon, on a copy of
 * the package's files in the cache: the script rewrites its package.json, and a package manager may share
 * those files between projects. Quiet and quick where its server cannot be reached.
 *
 * @returns the addon in the cache, or undefined when the stock binary cannot be had
 */
export async function installStock(
  tfjsNode: InstalledPackage,
  log: (line: string) => void,
): Promise<string | undefined> {
  const script = join(tfjsNode.root, 'scripts', 'install.js');
  if (!existsSync(script)) return undefined;
  const temporary = await mkdtemp(join(cacheRoot(), `.tmp-${process.pid}-`));
  try {
    for (const part of ['package.json', 'scripts', 'binding', 'binding.gyp']) {
      await cp(join(tfjsNode.root, part), join(temporary, part), { recursive: true, dereference: true });
    }
    log('trying the stock binary');
    const modules = moduleFolders(tfjsNode);
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_PATH: modules.join(delimiter),
      PATH: [...modules.map((m) => join(m, '.bin')), process.env.PATH].join(delimiter),
    };
    let seen = -1;
    let since = Date.now();
    let size = 0;
    const giveUp = (): boolean => {
      // Any growth counts; the size is read in the background because the watcher must answer at once.
      void folderSize(temporary).then((now) => {
        size = now;
      });
      if (size !== seen) {
        seen = size;
        since = Date.now();
      }
      return Date.now() - since > STALL_MS;
    };
    const kind = tfjsNode.name.endsWith('-gpu') ? 'gpu' : 'cpu';
    const args = [join('scripts', 'install.js'), kind];
    const result = await run(process.execPath, args, { cwd: temporary, env, giveUp });
    const made = join(temporary, relative(tfjsNode.root, bindingPath(tfjsNode)));
    if (result.code !== 0 || !existsSync(made)) {
      const why = /getaddrinfo \S+ \S+|connect \S+ \S+|Response status \S+/.exec(result.stderr)?.[0];
      log(`the stock binary cannot be had (${why ?? (lastLine(result.stderr) || 'the download stalled')})`);
      return undefined;
    }
    await rm(stockDirectory(tfjsNode), { recursive: true, force: true });
    await rename(temporary, stockDirectory(tfjsNode));
    return stockAddon(tfjsNode);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The node_modules folders in which the install script finds what it requires. */
function moduleFolders(tfjsNode: InstalledPackage): string[] {
  const folders = [join(tfjsNode.root, 'node_modules')];
  for (let at = dirname(tfjsNode.root); at !== dirname(at); at = dirname(at)) {
    folders.push(at.endsWith('node_modules') ? at : join(at, 'node_modules'));
  }
  return [...new Set(folders)].filter((f) => existsSync(f));
}

async function folderSize(path: string): Promise<number> {
  let total = 0;
  for (const name of await readdir(path, { recursive: true }).catch(() => [])) {
    const found = await stat(join(path, name)).catch(() => undefined);
    if (found?.isFile()) total += found.size;
  }
  return total;
}
