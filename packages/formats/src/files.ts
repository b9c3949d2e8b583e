import { lstat, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { EspalierError, shown } from '@espalier/core';
import { NotRegularError, openRegular } from '@espalier/host';

/** Longest path that systems take, in characters. */
const mostPath = 4096;

/** Most bytes of one file: Node's buffers are read in pieces of less than 2 GiB. */
const mostBytes = 2 ** 31 - 1;

function refuse(what: string, remedy?: string, cause?: unknown): never {
  throw new EspalierError('bad-model', what, {
    ...(remedy && { remedy }),
    ...(cause !== undefined && { cause }),
  });
}

/**
 * All bytes of a regular file. Pipes and devices, which could be read for ever, are refused, and so is what is too large for
 * a buffer, before it is read.
 *
 * @throws EspalierError `bad-model` with its name
 */
export async function readWhole(file: string): Promise<Buffer> {
  const handle = await openRegular(file).catch((cause) => {
    if (cause instanceof NotRegularError) refuse(cause.message, cause.remedy, cause);
    const { code } = cause as NodeJS.ErrnoException;
    return refuse(
      code === 'ENOENT' ? `There is no file ${file}.` : `Cannot read ${file} (${code}).`,
      undefined,
      cause,
    );
  });
  try {
    const { size } = await handle.stat();
    if (size > mostBytes) {
      refuse(
        `${file} has ${size} bytes, and files of 2 GiB or more are not read.`,
        'Split it into shards: model.save_pretrained(…, max_shard_size="1GB"), or the TF.js converter.',
      );
    }
    return await handle.readFile();
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    return refuse(`Cannot read ${file} (${(cause as NodeJS.ErrnoException).code}).`, undefined, cause);
  } finally {
    await handle.close();
  }
}

const exists = async (file: string): Promise<boolean> =>
  (await lstat(file).catch(() => undefined)) !== undefined;

/** What a browser would ask a server for, as a path of the disk: decoded, without a query, with slashes. */
function asFetched(path: string): string {
  const [plain] = path.split(/[?#]/);
  try {
    return decodeURIComponent(plain).replaceAll('\\', '/');
  } catch {
    return plain;
  }
}

/**
 * A file that another file names, by a path relative to its folder as a page would fetch it. Only what lies in that folder is
 * read: a file may come from anywhere, and would otherwise take what it likes from this machine.
 *
 * @throws EspalierError `bad-model` for paths that lead out of the folder, also by links
 */
export async function readInside(folder: string, path: unknown, from: string): Promise<Buffer> {
  return readWhole(await pathInside(folder, path, from));
}

/** As `readInside`: where the file is. @throws EspalierError `bad-model` */
export async function pathInside(folder: string, path: unknown, from: string): Promise<string> {
  if (typeof path !== 'string' || path === '' || path.length > mostPath || path.includes('\0')) {
    return refuse(`${from} names ${shown(path)} where the path of a file should be.`);
  }
  if (/^[a-z][a-z0-9+.-]+:/i.test(path)) {
    refuse(
      `${from} names ${path}, which is not on this machine.`,
      'Download it beside that file, and name it there.',
    );
  }
  const literal = join(folder, path);
  const file = (await exists(literal)) ? literal : join(folder, asFetched(path));
  const outside = (base: string, target: string): boolean => {
    const way = relative(base, target);
    return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  };
  const remedy = 'Only files of its own folder are read: put a copy there.';
  if (isAbsolute(path) || outside(folder, file))
    refuse(`${from} names ${path}, outside of its folder.`, remedy);
  if (!(await exists(file))) refuse(`${from} names ${path}, and there is no file ${file}.`);
  const [base, target] = await Promise.all([realpath(folder), realpath(file)]).catch((cause) =>
    refuse(`${from} names ${path}, a link that leads nowhere.`, undefined, cause),
  );
  if (outside(base, target))
    refuse(`${from} names ${path}, a link to ${target} outside of its folder.`, remedy);
  return file;
}

/** Whether there is something at a path. */
export async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info && (info.isDirectory() ? 'folder' : 'file');
}
