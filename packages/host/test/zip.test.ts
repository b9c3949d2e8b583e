import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib, { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { staysInside, ZipError, zipMembers } from '../src/index.js';

interface Part {
  readonly name: string;
  readonly text: string;
  readonly deflate?: boolean;
  /** Other numbers than the right ones, in the table of contents. */
  readonly lies?: { readonly size?: number; readonly crc?: number; readonly packedSize?: number };
}

/** An archive after PKWARE's APPNOTE 6.3; with `wide`, sizes and places are in the fields of zip64 alone. */
function archive(parts: readonly Part[], wide = false): Buffer {
  const blocks: Buffer[] = [];
  const table: Buffer[] = [];
  let offset = 0;
  for (const { name, text, deflate = false, lies = {} } of parts) {
    const data = Buffer.from(text);
    const packed = deflate ? deflateRawSync(data) : data;
    const [size, packedSize] = [lies.size ?? data.length, lies.packedSize ?? packed.length];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(wide ? 45 : 20, 0);
    common.writeUInt16LE(0x800, 2); // names are UTF-8
    common.writeUInt16LE(deflate ? 8 : 0, 4);
    common.writeUInt32LE(lies.crc ?? zlib.crc32(data), 10);
    common.writeUInt32LE(wide ? 0xffffffff : packedSize, 14);
    common.writeUInt32LE(wide ? 0xffffffff : size, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const extra = Buffer.alloc(wide ? 28 : 0);
    if (wide) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      for (const [i, value] of [size, packedSize, offset].entries())
        extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
    }
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    common.writeUInt16LE(extra.length, 24);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(wide ? 0xffffffff : offset, 10);
    table.push(
      Buffer.concat([
        Buffer.from('PK\x01\x02'),
        Buffer.from([20, 0]),
        common,
        rest,
        Buffer.from(name),
        extra,
      ]),
    );
    blocks.push(local);
    offset += local.length;
  }
  const length = table.reduce((sum, { length: n }) => sum + n, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(length, 12);
  end.writeUInt32LE(wide ? 0xffffffff : offset, 16);
  if (!wide) return Buffer.concat([...blocks, ...table, end]);
  const end64 = Buffer.alloc(56);
  end64.write('PK\x06\x06');
  end64.writeBigUInt64LE(44n, 4);
  end64.writeBigUInt64LE(BigInt(parts.length), 24);
  end64.writeBigUInt64LE(BigInt(parts.length), 32);
  end64.writeBigUInt64LE(BigInt(length), 40);
  end64.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07');
  locator.writeBigUInt64LE(BigInt(offset + length), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([...blocks, ...table, end64, locator, end]);
}

async function read(from: string | Uint8Array): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const member of zipMembers(from)) {
    const chunks: Buffer[] = [];
    for await (const chunk of member.read()) chunks.push(chunk);
    texts[member.name] = Buffer.concat(chunks).toString();
  }
  return texts;
}

const parts: readonly Part[] = [
  { name: 'stored.txt', text: 'hello' },
  { name: 'folder/deflated.txt', text: 'ab'.repeat(50_000), deflate: true },
  { name: 'empty', text: '' },
  { name: 'ключ:0.npy', text: 'a key' },
];
const texts = Object.fromEntries(parts.map(({ name, text }) => [name, text]));

describe('zip archives', () => {
  it.each([false, true])('are read from files and from bytes; zip64: %s', async (wide) => {
    const file = join(mkdtempSync(join(tmpdir(), 'zip-')), 'a.zip');
    const bytes = archive(parts, wide);
    writeFileSync(file, bytes);
    expect(await read(file)).toEqual(texts);
    // Bytes within a larger buffer, too.
    expect(await read(Buffer.concat([Buffer.alloc(13), bytes]).subarray(13))).toEqual(texts);
  });

  it('say what their members hold before anything is unpacked', async () => {
    const sizes: [string, number, boolean][] = [];
    for await (const { name, size, packedSize } of zipMembers(archive(parts)))
      sizes.push([name, size, packedSize < size]);
    expect(sizes.slice(0, 3)).toEqual([
      ['stored.txt', 5, false],
      ['folder/deflated.txt', 100_000, true],
      ['empty', 0, false],
    ]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['none', Buffer.from('this is not a zip file, though it is long enough to be one'), /./],
    ['cut off at its end', archive(parts).subarray(0, -30), /./],
    ['cut off at its front', archive(parts).subarray(40), /./],
    [
      'longer than a member says',
      archive([{ ...parts[1], lies: { size: 99_999 } }]),
      /too many bytes|more than|expected 99999/i,
    ],
    ['shorter than a member says', archive([{ ...parts[1], lies: { size: 100_001 } }]), /not enough bytes/],
    ['with another CRC-32', archive([{ ...parts[1], lies: { crc: 1 } }]), /deflated\.txt has another CRC-32/],
    ['with another CRC-32, stored', archive([{ ...parts[0], lies: { crc: 1 } }]), /another CRC-32/],
    ['with members beyond its end', archive([{ ...parts[1], lies: { packedSize: 1e6 } }]), /./],
  ])('that are damaged are refused: %s', async (_, bytes, message) => {
    const error = await read(bytes).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ZipError);
    expect((error as Error).message).toMatch(message);
  });

  it('that are not there are missing, not damaged', async () => {
    await expect(read(join(tmpdir(), 'no-such.zip'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

it.each(['../../x.so', '/etc/x.so', 'a/../../../x', 'a//b', './x', 'c:/x', 'a\\..\\x', 'a\0b'])(
  'a member named %j could be written anywhere',
  (name) => {
    expect(staysInside(name)).toBe(false);
    expect(staysInside('a/b.so')).toBe(true);
    expect(staysInside('a/b/')).toBe(true);
  },
);
