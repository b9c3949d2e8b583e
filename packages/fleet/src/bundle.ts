import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EspalierError } from '@espalier/core';
import type { Fleet } from './fleet.js';
import { hashOf } from './key.js';

/** What a bundle runs on: a worker that has other versions refuses it. */
export interface Needs {
  readonly backend: string;
  /** Versions, exactly, by the names of packages; `node` is the major version. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Files that travel with trials: a recipe, its plugins and data, a model; and what they run on. */
export interface Manifest {
  readonly needs: Needs;
  /** Paths with `/`, and the SHA-256 of each file. */
  readonly files: readonly { readonly path: string; readonly hash: string; readonly bytes: number }[];
  /** The folder of it that trials run in. */
  readonly folder: string;
}

/** A bundle that is in the store. */
export interface Bundle {
  readonly id: string;
  readonly manifest: Manifest;
}

/** Most bytes of a bundle where nothing else is said. */
export const mostBytes: number = 64 * 2 ** 20;

/** No way out of the folder that a bundle, or the files of a trial, is unpacked to. */
export function checkPath(path: string): string {
  const parts = path.split('/');
  const bad = /[\\:\p{Cc}]/u.test(path) || parts.some((part) => part === '' || part === '.' || part === '..');
  if (bad) throw new EspalierError('bad-bundle', `${JSON.stringify(path)} is no path within a bundle.`);
  return path;
}

/**
 * Puts files into the store, each once, and signs what they are.
 *
 * @param root - The folder that paths are relative to.
 * @param paths - With `/`.
 * @throws EspalierError `bundle-size`, `no-database`
 */
export async function putBundle(
  fleet: Fleet,
  root: string,
  paths: readonly string[],
  { needs, folder, most = mostBytes }: { needs: Needs; folder: string; most?: number },
): Promise<Bundle> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(join(root, path))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > most) {
    const largest = paths[sizes.indexOf(Math.max(...sizes))];
    throw new EspalierError(
      'bundle-size',
      `The files of the trials have ${total} bytes; a bundle takes ${most}.`,
      {
        remedy: `Put ${largest} where all machines see it, and name it by its absolute path; or allow more: --bundle-size.`,
      },
    );
  }
  const contents = new Map<string, Buffer>();
  const files = [];
  for (const path of [...paths].sort()) {
    const bytes = await readFile(join(root, path));
    const hash = hashOf(bytes);
    contents.set(hash, bytes);
    files.push({ path: checkPath(path), hash, bytes: bytes.length });
  }
  const manifest = { needs, files, folder };
  // Its name is its signature: with another key the same files are another bundle.
  const id = fleet.key.sign('bundle', manifest);
  const known = await fleet.database.query<{ hash: string }>(
    'select hash from espalier.blob where hash = any($1)',
    [[...contents.keys()]],
  );
  for (const { hash } of known) contents.delete(hash);
  for (const [hash, bytes] of contents) {
    await fleet.database.query('insert into espalier.blob values ($1, $2) on conflict do nothing', [
      hash,
      bytes,
    ]);
  }
  await fleet.database.query(
    'insert into espalier.bundle (id, manifest, signature) values ($1, $2, $3) on conflict do nothing',
    [id, JSON.stringify(manifest), id],
  );
  return { id, manifest };
}

/**
 * A bundle of the store that was signed with the fleet's key.
 *
 * @throws EspalierError `bad-signature`, `bad-bundle`
 */
export async function bundleOf(fleet: Fleet, id: string): Promise<Bundle> {
  const [row] = await fleet.database.query<{ manifest: Manifest; signature: string }>(
    'select manifest, signature from espalier.bundle where id = $1',
    [id],
  );
  if (row === undefined) throw new EspalierError('bad-bundle', `There is no bundle ${id}.`);
  const { manifest, signature } = row;
  if (!fleet.key.signed('bundle', manifest, signature) || signature !== id) {
    throw new EspalierError('bad-signature', `The bundle ${id} was not signed with this fleet's key.`, {
      remedy: 'Nothing of it is run. Give all machines of the fleet the same key.',
    });
  }
  return { id, manifest };
}

/**
 * Unpacks a bundle into a folder; each file is what its hash says, or nothing is run.
 *
 * @throws EspalierError `bad-bundle`
 */
export async function unpackBundle(fleet: Fleet, { manifest }: Bundle, into: string): Promise<void> {
  for (const { path, hash } of manifest.files) {
    const bytes = await blobOf(fleet, hash);
    const file = join(into, checkPath(path));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  await mkdir(join(into, manifest.folder), { recursive: true });
}

/** Bytes of the store that are what their hash says. @throws EspalierError `bad-bundle` */
export async function blobOf(fleet: Fleet, hash: string): Promise<Buffer> {
  const [row] = await fleet.database.query<{ bytes: Buffer }>(
    'select bytes from espalier.blob where hash = $1',
    [hash],
  );
  if (row === undefined || hashOf(row.bytes) !== hash) {
    throw new EspalierError('bad-bundle', `The store does not hold the file ${hash} as it was put there.`);
  }
  return row.bytes;
}
