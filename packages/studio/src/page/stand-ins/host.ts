import { BlobReader, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js';
import { open } from './disk.js';

/** As in Node. */
export class ZipError extends Error {
  readonly code = 'bad-zip';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ZipError';
  }
}

interface Member {
  readonly name: string;
  readonly size: number;
  readonly packedSize: number;
  read(): AsyncGenerator<Uint8Array>;
}

/** The members of a zip archive in memory, their CRC-32 looked at. */
export async function* zipMembers(archive: Uint8Array<ArrayBuffer>): AsyncGenerator<Member> {
  const zip = new ZipReader(new BlobReader(new Blob([archive])), { useWebWorkers: false });
  try {
    for await (const entry of zip.getEntriesGenerator()) {
      yield {
        name: entry.filename,
        size: entry.uncompressedSize,
        packedSize: entry.compressedSize,
        async *read() {
          if (entry.directory) return;
          yield await entry.getData(new Uint8ArrayWriter(), { checkSignature: true }).catch(fail);
        },
      };
    }
  } catch (cause) {
    fail(cause);
  } finally {
    await zip.close();
  }
}

function fail(cause: unknown): never {
  throw cause instanceof ZipError ? cause : new ZipError((cause as Error).message, { cause });
}

/** Of locks and folders a page knows nothing. */
export const cacheRoot = (): string => '/';

/** As in Node; among files that were dropped there are folders, but neither pipes nor devices. */
export class NotRegularError extends Error {
  readonly remedy = 'Give the file in it.';
}

export async function openRegular(path: string): ReturnType<typeof open> {
  const file = await open(path);
  if ((await file.stat()).isDirectory()) throw new NotRegularError(`${path} is a folder.`);
  return file;
}
