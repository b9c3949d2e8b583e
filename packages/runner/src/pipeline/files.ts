import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { NotRegularError } from '@espalier/host';

/**
 * Writes a file whole or not at all: to a temporary name beside it, flushed, then renamed.
 *
 * @throws EspalierError `disk` with the file's name; what was there before is untouched
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.${randomBytes(3).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true });
    const there = await lstat(file).catch(() => undefined);
    // Renaming would put a file in the place of /dev/null.
    if (there && !there.isFile() && !there.isSymbolicLink())
      throw new NotRegularError(file, there.isDirectory());
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    const code = (cause as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOSPC'
        ? 'the disk is full'
        : code === 'EACCES' || code === 'EROFS'
          ? 'it may not be written'
          : cause instanceof NotRegularError
            ? 'there is something of that name that is no file'
            : String(code);
    throw new EspalierError('disk', `Cannot write ${file}: ${why}.`, {
      cause,
      remedy: 'Nothing was overwritten. Make room or choose another --out, then run again with --resume.',
    });
  }
}

/** Bytes of all files in a folder. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder)) bytes += (await stat(join(folder, entry))).size;
  return bytes;
}

/** What a run's folder holds. */
export const layout = {
  model: 'model.esp',
  plain: 'tfjs',
  report: 'report.json',
  page: 'report.html',
  metrics: 'metrics.jsonl',
  watch: 'watch.jsonl',
  live: 'live.json',
  checkpoint: join('checkpoint', 'state.bin'),
  recipe: 'recipe.yaml',
  lock: 'lock',
} as const;

/**
 * Makes sure that a folder can take a run: it is empty, absent, or (with `resume`) holds this run.
 *
 * @throws EspalierError `out-taken`
 */
export async function checkOut(out: string, resume: boolean): Promise<void> {
  const entries = await readdir(out).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new EspalierError('disk', `Cannot use ${out} as output folder: ${String(cause.code)}.`, { cause });
  });
  const files = entries.filter((entry) => !entry.endsWith('.tmp') && !/^lock(\.|$)/.test(entry));
  if (files.length === 0 || (resume && files.includes(layout.recipe))) return;
  const run = files.includes(layout.recipe) || files.includes(layout.report);
  throw new EspalierError(
    'out-taken',
    `${out} holds ${run ? 'another run' : 'other files'}; nothing was overwritten.`,
    {
      remedy: run ? 'Go on with it: --resume. Or choose another --out.' : 'Choose another --out.',
    },
  );
}
