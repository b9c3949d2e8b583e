import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DatasetError } from '../errors.js';

const BLOCK = 512;

/** A NUL-ended text field of a tar header. */
function text(header: Buffer, from: number, length: number): string {
  const field = header.toString('utf8', from, from + length);
  const end = field.indexOf('\0');
  return end < 0 ? field : field.slice(0, end);
}

/** An entry's path and size. (POSIX ustar: name at 0, size in octal at 124, prefix at 345.) */
function parseHeader(header: Buffer, archive: string): { path: string; size: number } {
  const octal = text(header, 124, 12).trim();
  const size = Number.parseInt(octal, 8);
  if (!/^[0-7]+$/.test(octal)) throw new DatasetError('bad-file', `${archive}: damaged tar header.`);
  const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
  const name = text(header, 0, 100);
  return { path: prefix === '' ? name : `${prefix}/${name}`, size };
}

/**
 * Reads the wanted entries out of a `.tgz`, as a stream: an archive of 150 MB costs no more memory than the
 * entries that are kept. Entries are only ever given back by the path that was asked for, never written anywhere.
 *
 * @param wanted Paths inside the archive, e.g. `package/data/file`.
 * @throws DatasetError (`bad-file`) when the archive is damaged or lacks one of them.
 */
export async function readTar(archive: string, wanted: readonly string[]): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  let pending: Buffer[] = [];
  let have = 0;
  let entry: { path: string; size: number } | undefined;
  let skip = 0;

  /** The first `length` waiting bytes; the rest stays. */
  const shift = (length: number): Buffer => {
    const all = pending.length === 1 ? pending[0] : Buffer.concat(pending);
    pending = [all.subarray(length)];
    have -= length;
    return all.subarray(0, length);
  };

  const file = createReadStream(archive);
  const stream = createGunzip();
  file.on('error', (error) => stream.destroy(error)).pipe(stream);
  try {
    for await (let chunk of stream as AsyncIterable<Buffer>) {
      if (skip > 0) {
        const passed = Math.min(skip, chunk.length);
        skip -= passed;
        chunk = chunk.subarray(passed);
      }
      pending.push(chunk);
      have += chunk.length;
      while (have >= (entry?.size ?? BLOCK)) {
        if (entry !== undefined) {
          found.set(entry.path, Buffer.from(shift(entry.size)));
          skip = -entry.size & (BLOCK - 1);
          entry = undefined;
        } else {
          const header = shift(BLOCK);
          if (header[0] === 0) continue; // the end is two blocks of zeros
          const next = parseHeader(header, archive);
          if (wanted.includes(next.path)) entry = next;
          else skip = Math.ceil(next.size / BLOCK) * BLOCK;
        }
        const passed = Math.min(skip, have);
        shift(passed);
        skip -= passed;
      }
    }
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause;
    throw new DatasetError('bad-file', `${archive}: ${(cause as Error).message}.`, { cause });
  }
  for (const path of wanted) {
    if (!found.has(path))
      throw new DatasetError('bad-file', `${archive} holds no ${path} (or is cut off before it).`);
  }
  return found;
}
