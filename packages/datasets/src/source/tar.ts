import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Entry, extract } from 'tar-stream';
import { DatasetError } from '../errors.js';

async function contentOf(entry: Entry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
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
  const entries = extract();
  const collect = async (): Promise<void> => {
    for await (const entry of entries as AsyncIterable<Entry>) {
      if (wanted.includes(entry.header.name)) found.set(entry.header.name, await contentOf(entry));
      else entry.resume();
    }
  };
  try {
    await Promise.all([pipeline(createReadStream(archive), createGunzip(), entries), collect()]);
  } catch (cause) {
    throw new DatasetError('bad-file', `${archive}: ${(cause as Error).message}.`, { cause });
  }
  for (const path of wanted) {
    if (!found.has(path))
      throw new DatasetError('bad-file', `${archive} holds no ${path} (or is cut off before it).`);
  }
  return found;
}
