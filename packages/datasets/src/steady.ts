import { stat } from 'node:fs/promises';
import { DatasetError } from './errors.js';

/** What changes when somebody writes to a file. */
async function stamp(file: string): Promise<string | undefined> {
  const info = await stat(file).catch(() => undefined);
  return info && `${info.size} ${info.mtimeMs} ${info.ino}`;
}

/**
 * Reads a file, which must be the same one before and after.
 *
 * @throws DatasetError `bad-file` when it has changed meanwhile, `not-found`
 */
export async function steadily<T>(file: string, read: (file: string) => Promise<T>): Promise<T> {
  const before = await stamp(file);
  if (before === undefined) {
    throw new DatasetError('not-found', `There is no file ${file}.`, {
      remedy: 'Paths of a recipe go from its folder.',
    });
  }
  const result = await read(file);
  if ((await stamp(file)) === before) return result;
  throw new DatasetError('bad-file', `${file} has changed while it was read.`, {
    remedy: 'Wait until it is whole, and start again.',
  });
}
