import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

/** One member of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
}

/** Whether a member's name stays within the folder that it is unpacked into, on every system. */
function isInside(name: string): boolean {
  if (/[\\\0:]/.test(name) || name.startsWith('/')) return false;
  return name
    .split('/')
    .every((part, i, all) => (part !== '' || i === all.length - 1) && part !== '.' && part !== '..');
}

/**
 * The table of contents of a zip file (a Python wheel is one), below 4 GiB.
 * Source: PKWARE APPNOTE 6.3, 4.3.12 and 4.3.16.
 *
 * @throws Error when it is no such file, and for a member whose name would lead out of a folder
 */
export async function zipEntries(path: string): Promise<ZipEntry[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, 65_557));
    await file.read(tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
    if (end < 0) throw new Error(`${path} is not a zip file`);
    const length = tail.readUInt32LE(end + 12);
    const start = tail.readUInt32LE(end + 16);
    if (start === 0xffffffff || start + length > size) throw new Error(`${path}: zip64 or cut off`);
    const table = Buffer.alloc(length);
    await file.read(table, 0, length, start);
    const entries: ZipEntry[] = [];
    for (let at = 0; at + 46 <= length; ) {
      if (table.readUInt32LE(at) !== 0x02014b50) throw new Error(`${path}: broken table of contents`);
      const nameLength = table.readUInt16LE(at + 28);
      const name = table.toString('utf8', at + 46, at + 46 + nameLength);
      if (!isInside(name)) throw new Error(`${path} has a member named ${JSON.stringify(name)}`);
      entries.push({
        name,
        method: table.readUInt16LE(at + 10),
        compressedSize: table.readUInt32LE(at + 20),
        size: table.readUInt32LE(at + 24),
        offset: table.readUInt32LE(at + 42),
      });
      at += 46 + nameLength + table.readUInt16LE(at + 30) + table.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    await file.close();
  }
}

/** Streams one member to a file, whose folders are made. */
export async function extractEntry(path: string, entry: ZipEntry, target: string): Promise<void> {
  const header = Buffer.alloc(30);
  const file = await open(path, 'r');
  try {
    await file.read(header, 0, 30, entry.offset);
  } finally {
    await file.close();
  }
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  await mkdir(dirname(target), { recursive: true });
  if (entry.compressedSize === 0) return writeFile(target, '');
  const out = createWriteStream(target);
  let written = 0;
  /** Ends what unpacks to more than it says. */
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      written += chunk.length;
      if (written > entry.size) throw new Error(`${entry.name}: unpacked to more than ${entry.size} bytes`);
      yield chunk;
    }
  }
  const source = createReadStream(path, {
    start,
    end: start + entry.compressedSize - 1,
    highWaterMark: 1 << 20,
  });
  if (entry.method === 8) await pipeline(source, createInflateRaw({ chunkSize: 1 << 20 }), counted, out);
  else if (entry.method === 0) await pipeline(source, counted, out);
  else throw new Error(`${entry.name}: zip method ${entry.method} is not supported`);
  if (out.bytesWritten !== entry.size) throw new Error(`${entry.name}: unpacked to a wrong size`);
}
