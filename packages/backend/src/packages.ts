import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** An npm package as it lies on the disk. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly root: string;
  /** The file `require(name)` would load. */
  readonly main: string;
}

/**
 * Finds an optional package: in the user's project first (the current directory and its parents), then from
 * this package. Returns undefined where neither has it.
 */
export function findPackage(name: string, from: string = process.cwd()): InstalledPackage | undefined {
  for (const base of [join(from, 'index.js'), import.meta.url]) {
    const found = lookUp(name, createRequire(base));
    if (found) return found;
  }
  return undefined;
}

/** By directory rather than `require.resolve`: packages with an `exports` map may hide their package.json. */
function lookUp(name: string, require: NodeJS.Require): InstalledPackage | undefined {
  for (const directory of require.resolve.paths(name) ?? []) {
    const manifestPath = join(directory, name, 'package.json');
    if (!existsSync(manifestPath)) continue;
    // The real place: package managers link packages, and a package's own dependencies lie beside that.
    const root = dirname(realpathSync(manifestPath));
    try {
      const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { version?: string };
      return { name, version: manifest.version ?? '0.0.0', root, main: require.resolve(name) };
    } catch {
      return undefined; // A half-installed package counts as absent.
    }
  }
  return undefined;
}
