import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** There is something of that name, and it is no file that ends: a folder, a pipe, a device. */
export class NotRegularError extends Error {
  override readonly name = 'NotRegularError';
  readonly code = 'not-regular';
  /** For a user: what it is, and what helps. */
  readonly remedy: string;

  constructor(file: string, folder: boolean) {
    super(`${file} is ${folder ? 'a folder' : 'no regular file'}.`);
    this.remedy = folder ? 'Give the file in it.' : 'Copy what it gives into a file, and give that.';
  }
}

/**
 * Opens a regular file to read it. Pipes and devices, which could be waited for or read for ever, are refused.
 *
 * @throws NotRegularError; what the system says where there is none, or none that may be read
 *
 * @example
 * ```ts
 * import { tmpdir } from 'node:os';
 * import { openRegular } from '@espalier/host';
 * const refused = await openRegular(tmpdir()).catch((error) => error.code);
 * if (refused !== 'not-regular') throw new Error(refused);
 * ```
 */
export async function openRegular(file: string): Promise<FileHandle> {
  // Opening a pipe waits for its other end, unless told not to.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new NotRegularError(file, info.isDirectory());
    return handle;
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/**
 * All bytes of a regular file.
 *
 * @throws NotRegularError; what the system says where there is none, or none that may be read
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { readRegular } from '@espalier/host';
 * const folder = await mkdtemp(join(tmpdir(), 'host-'));
 * await writeFile(join(folder, 'a'), 'text');
 * if ((await readRegular(join(folder, 'a'))).length !== 4) throw new Error('unexpected');
 * const refused = await readRegular(folder).catch((error) => error.message);
 * if (!refused.includes('is a folder')) throw new Error(refused);
 * ```
 */
export async function readRegular(file: string): Promise<Buffer> {
  const handle = await openRegular(file);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
