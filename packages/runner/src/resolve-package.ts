import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Who brought the command, and packages with it; nobody where the runner is used as a library. */
let bringer: string | undefined;

/** Where the process began: one that runs trials goes to the folder of each. */
const began = process.cwd();

/** @param from `import.meta.url` of who brings packages */
export function bring(from: string): void {
  bringer = from;
}

/** Whom `bring` named: processes of ours are brought by the same. */
export function broughtFrom(): string | undefined {
  return bringer;
}

/**
 * Where optional packages are looked for, besides this one's own: given folders, the working folder (the command may be
 * installed elsewhere), who brought the command.
 */
export function places(...folders: string[]): NodeJS.Require[] {
  const files = [...folders, '.', began].map((folder) => pathToFileURL(resolve(folder, 'here.js')).href);
  return [...files, ...(bringer === undefined ? [] : [bringer])].map((from) => createRequire(from));
}
