import zlib from 'node:zlib';
import { type Entry, fromBufferPromise, getFileNameLowLevel, openPromise, type ZipFile } from 'yauzl';

/** A zip archive is damaged, or of a kind that is not read. */
export class ZipError extends Error {
  readonly code = 'bad-zip';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ZipError';
  }
}

/** A member of a zip archive. Nothing of it has been unpacked. */
export interface ZipMember {
  /** As it stands in the archive: it may lead anywhere. See {@link staysInside}. */
  readonly name: string;
  /** Bytes that it says it holds. */
  readonly size: number;
  /** Bytes that it takes in the archive. */
  readonly packedSize: number;
  /**
   * Unpacks it. What is not as long as it says, or has another CRC-32 (which Node knows from 20.15 on), ends in a ZipError.
   * To be read to its end, or not at all, before the next member is asked for.
   */
  read(): AsyncGenerator<Buffer>;
}

const failed = (cause: unknown): ZipError =>
  cause instanceof ZipError ? cause : new ZipError((cause as Error).message, { cause });

// Undefined before Node 20.15.
const { crc32 } = zlib as Partial<Pick<typeof zlib, 'crc32'>>;

async function* unpacked(zip: ZipFile, entry: Entry, name: string): AsyncGenerator<Buffer> {
  let sum = 0;
  try {
    const stream = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sum = crc32?.(chunk, sum) ?? 0;
      yield chunk;
    }
  } catch (cause) {
    throw failed(cause);
  }
  if (crc32 && sum !== entry.crc32) throw new ZipError(`${name} has another CRC-32 than the archive says`);
}

/**
 * The members of a zip archive, zip64 too, one by one: a file by its path, or bytes.
 *
 * @throws ZipError when it is none, or damaged; what the file system throws when it cannot be opened
 *
 * @example
 * ```ts
 * import { zipMembers } from '@espalier/host';
 *
 * const empty = new Uint8Array(22);
 * empty.set([0x50, 0x4b, 5, 6]); // an archive without members is its end alone
 * for await (const { name } of zipMembers(empty)) throw new Error(name);
 * ```
 */
export async function* zipMembers(archive: string | Uint8Array): AsyncGenerator<ZipMember> {
  // Names are looked at by whoever makes files of them: as keys of arrays, many are good that no path may be.
  const options = { decodeStrings: false, autoClose: false };
  let zip: ZipFile;
  try {
    zip =
      typeof archive === 'string'
        ? await openPromise(archive, options)
        : await fromBufferPromise(
            Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength),
            options,
          );
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === undefined ? failed(cause) : cause;
  }
  try {
    for await (const entry of zip.eachEntry()) {
      const raw = entry.fileName as unknown as Buffer;
      const name = getFileNameLowLevel(entry.generalPurposeBitFlag, raw, entry.extraFields, true);
      yield {
        name,
        size: entry.uncompressedSize,
        packedSize: entry.compressedSize,
        read: () => unpacked(zip, entry, name),
      };
    }
  } catch (cause) {
    throw failed(cause);
  } finally {
    zip.close();
  }
}

/**
 * Whether a name, joined to a folder, stays within it on every system: no drives, no `..`, no backslashes, no empty parts.
 *
 * @example
 * ```ts
 * import { staysInside } from '@espalier/host';
 * if (!staysInside('a/b.so') || staysInside('a/../../b') || staysInside('C:b')) throw new Error('unexpected');
 * ```
 */
export function staysInside(name: string): boolean {
  if (/[\\\0:]/.test(name) || name.startsWith('/')) return false;
  return name
    .split('/')
    .every((part, i, all) => (part !== '' || i === all.length - 1) && part !== '.' && part !== '..');
}
