import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { readRegular } from '@espalier/host';
import { DatasetError } from '../errors.js';

/** One file of a data set, pinned: whatever brought it, these are its bytes. */
export interface PinnedFile {
  /** The name in the cache. */
  readonly name: string;
  /** Bytes, unpacked. */
  readonly size: number;
  /** Lower-case hex, of the unpacked bytes. */
  readonly sha256: string;
}

/** @throws DatasetError (`checksum`) when the bytes are not the pinned ones; `where` names the file. */
export function verify(bytes: Uint8Array, pinned: PinnedFile, where: string): void {
  const remedy = 'The file is damaged or another one. Delete it and try again.';
  if (bytes.length !== pinned.size) {
    throw new DatasetError('checksum', `${where}: ${bytes.length} bytes, expected ${pinned.size}.`, {
      remedy,
    });
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== pinned.sha256) {
    throw new DatasetError('checksum', `${where}: SHA-256 is ${found}, expected ${pinned.sha256}.`, {
      remedy,
    });
  }
}

/** A file's bytes, unpacked when its name ends in `.gz`; `undefined` when there is no such file. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegular(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DatasetError('not-found', `${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
  if (!path.endsWith('.gz')) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new DatasetError('bad-file', `${path}: damaged gzip file (${(cause as Error).message}).`, {
      cause,
    });
  }
}
