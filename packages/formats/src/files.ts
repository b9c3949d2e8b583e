import { readFile } from 'node:fs/promises';
import { EspalierError } from '@espalier/core';

/** All bytes of a file. @throws EspalierError `bad-model` with its name */
export async function readWhole(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new EspalierError('bad-model', missing ? `There is no file ${file}.` : `Cannot read ${file}.`, {
      cause,
    });
  }
}
