import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Needs } from '@espalier/fleet';
import { places } from '../resolve-package.js';
import { version } from '../version.js';

/** The version of a package as this command, or a folder, sees it; undefined where it is not installed. */
function versionOf(name: string, folders: readonly string[]): string | undefined {
  for (const require of [createRequire(import.meta.url), ...places(...folders)]) {
    for (const base of require.resolve.paths(name) ?? []) {
      try {
        return (JSON.parse(readFileSync(`${base}/${name}/package.json`, 'utf8')) as { version: string })
          .version;
      } catch {
        // Not there.
      }
    }
  }
  return undefined;
}

/** Short names of ours. */
const full = (name: string, folders: readonly string[]): string =>
  name.startsWith('@') || versionOf(name, folders) !== undefined ? name : `@espalier/${name}`;

/** What trials run on here: a worker that has other versions would come to other bytes. */
export function needsOf(packages: Iterable<string>, backend: string, folder: string): Needs {
  const versions: Record<string, string> = {
    espalier: version,
    node: process.versions.node.split('.')[0],
    '@tensorflow/tfjs-core': versionOf('@tensorflow/tfjs-core', [folder]) ?? 'none',
  };
  for (const name of packages) {
    const own = full(name, [folder]);
    const found = versionOf(own, [folder]);
    if (found !== undefined) versions[own] = found;
  }
  return { backend, versions };
}

/** Why what trials run on is not here, if it is not. */
export function objectionTo({ backend, versions }: Needs, own: string): string | undefined {
  if (backend !== own) return `the backend ${backend} is asked for, ${own} is here`;
  for (const [name, wanted] of Object.entries(versions)) {
    const here =
      name === 'espalier'
        ? version
        : name === 'node'
          ? process.versions.node.split('.')[0]
          : versionOf(name, []);
    if (here === wanted) continue;
    if (here === undefined) return `the package ${name} ${wanted} is asked for, and not installed here`;
    return `${name} ${wanted} is asked for, ${here} is here`;
  }
  return undefined;
}
