import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isProgram } from '../recipe/text.js';
import { writeWhole } from './files.js';

/** A recipe that is a program lies beside what it came to. */
export async function keepSource(out: string, file: string): Promise<void> {
  const text = isProgram(file) ? await readFile(file).catch(() => undefined) : undefined;
  if (text !== undefined) await writeWhole(join(out, `recipe${extname(file)}`), text);
}
