import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/** Files below a directory of the repository that `wanted` accepts, sorted; what is installed or made is left out. */
export function filesBelow(directory, wanted) {
  const found = [];
  for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
    if (['node_modules', 'dist', 'runs'].includes(entry.name)) continue;
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) found.push(...filesBelow(path, wanted));
    else if (wanted(path)) found.push(path);
  }
  return found.sort();
}

/**
 * Remembers that something was done for a set of files and words, to skip it while they stay as they are.
 *
 * @param {string} name - file in node_modules that keeps the stamp: it goes when node_modules goes
 * @param {readonly string[]} files - relative to the repository
 * @param {readonly string[]} words - versions and the like
 */
export function stamp(name, files, words) {
  const hash = createHash('sha256');
  for (const word of words) hash.update(`${word}\0`);
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  const value = hash.digest('hex');
  const path = join(root, 'node_modules', name);
  return {
    isCurrent: () => existsSync(path) && readFileSync(path, 'utf8') === value,
    set: () => writeFileSync(path, value),
  };
}
