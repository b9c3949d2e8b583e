import { isUtf8 } from 'node:buffer';
import { stat } from 'node:fs/promises';
import { NotRegularError, readRegular } from '@espalier/host';
import { DatasetError } from './errors.js';

/** What changes when somebody writes to a file. */
async function stamp(file: string): Promise<string | undefined> {
  const info = await stat(file).catch(() => undefined);
  if (info && !info.isFile()) {
    const { message, remedy } = new NotRegularError(file, info.isDirectory());
    throw new DatasetError('bad-file', message, { remedy });
  }
  return info && `${info.size} ${info.mtimeMs} ${info.ino}`;
}

/**
 * Reads a regular file, which must be the same one before and after.
 *
 * @throws DatasetError `bad-file` when it has changed meanwhile or is a folder, a pipe, a device; `not-found`
 */
export async function steadily<T>(file: string, read: (file: string) => Promise<T>): Promise<T> {
  const before = await stamp(file);
  if (before === undefined) {
    throw new DatasetError('not-found', `There is no file ${file}.`, {
      remedy: 'Paths of a recipe go from its folder.',
    });
  }
  const changed = async (cause?: unknown): Promise<void> => {
    if ((await stamp(file)) === before) return;
    throw new DatasetError('bad-file', `${file} has changed while it was read.`, {
      cause,
      remedy: 'Wait until it is whole, and start again.',
    });
  };
  const result = await read(file).catch(async (cause) => {
    await changed(cause); // What is half written is damaged, too; that it will be whole says more.
    throw cause;
  });
  await changed();
  return result;
}

/**
 * Reads a text, which must be the same before and after, and UTF-8.
 *
 * @throws DatasetError `bad-file` for what is none, with the line; `not-found`
 */
export async function readText(file: string): Promise<string> {
  const bytes = await steadily(file, readRegular);
  const text = new TextDecoder().decode(bytes); // without its byte order mark
  if (bytes.includes(0)) {
    throw new DatasetError('bad-file', `${file} is no text: it holds bytes of 0.`, {
      remedy: 'Save it as plain text in UTF-8 (of a spreadsheet: as .csv).',
    });
  }
  const wrong = text.indexOf('\uFFFD');
  if (wrong >= 0 && !isUtf8(bytes)) {
    const line = text.slice(0, wrong).split('\n').length;
    throw new DatasetError('bad-file', `${file}:${line} is not UTF-8.`, {
      remedy: 'Save the file as UTF-8.',
    });
  }
  return text;
}
