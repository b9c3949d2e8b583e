import { mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { DatasetError } from '../../errors.js';
import { defaultCacheDir } from '../../source/cache.js';

/** Bytes that threads can get at: in memory that they share, or in an open file. */
export type Place = { readonly bytes: Uint8Array } | { readonly file: number };

/** Where the pictures of a source are, one after the other. */
export interface Store {
  readonly size: number;
  /** For threads. */
  readonly place: Place;
  /** All bytes from one place to another, piece by piece. */
  pieces(from: number, to: number): Iterable<Uint8Array>;
}

/** Most bytes of pictures in memory, unless somebody says so: a quarter of what there is, and no more than an array holds. */
const usual = Math.min(2 ** 31 - 1, Math.floor(totalmem() / 4));

/** Bytes of a file that are read together. */
const piece = 2 ** 22;

/** A file without a name: it is gone when this process is, however that ends. */
function openFile(size: number): number {
  const folder = join(defaultCacheDir(), 'pictures');
  const name = join(folder, `${process.pid}-${Date.now()}-${Math.floor(performance.now() * 1000)}`);
  try {
    mkdirSync(folder, { recursive: true });
    const file = openSync(name, 'wx+');
    rmSync(name, { force: true });
    return file;
  } catch (cause) {
    throw new DatasetError(
      'cache',
      `${size} bytes of pictures do not fit into memory, and ${folder} takes no file (${(cause as NodeJS.ErrnoException).code}).`,
      { cause, remedy: 'Ask for a smaller size, or let XDG_CACHE_HOME lead to where there is room.' },
    );
  }
}

/**
 * Makes room for pictures: in memory up to a bound, else in a file.
 *
 * @param most - Bytes in memory, >= 0. Default: a quarter of the machine's, at most 2 GiB.
 * @throws DatasetError `cache` where no file can be made
 */
export function openStore(size: number, most: number = usual): Store {
  if (size <= most) {
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    return { size, place: { bytes }, pieces: (from: number, to: number) => [bytes.subarray(from, to)] };
  }
  const file = openFile(size);
  return {
    size,
    place: { file },
    *pieces(from: number, to: number): Generator<Uint8Array, void, undefined> {
      const buffer = new Uint8Array(Math.min(piece, to - from));
      for (let at = from; at < to; ) {
        const read = readSync(file, buffer, 0, Math.min(buffer.length, to - at), at);
        if (read === 0) return;
        yield buffer.subarray(0, read);
        at += read;
      }
    },
  };
}
