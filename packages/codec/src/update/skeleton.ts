import { crc32c } from '../bytes/crc32c.js';
import { Reader } from '../bytes/reader.js';
import { Writer } from '../bytes/writer.js';
import { type Header, MAGIC, type TensorEntry, type Tile } from '../container/format.js';
import { atMost, type Limits } from '../container/limits.js';
import { FIXED_BYTES } from '../numbers.js';

/** What of a header does not follow from the payloads, without the text. */
export interface Skeleton {
  /** The header but for its fixed part, for the text, and for tiles' lengths and checksums; before it bytes 8 to 11. */
  readonly bytes: Uint8Array;
  /** Where tiles were cut out: how far after the last cut, and how many tiles; 0 for one whose length is still there. */
  readonly cuts: Uint8Array;
}

/** Stands for the length of a tile that is not known yet: so long that it may stand for any number of elements. */
const UNKNOWN = 65536;

/** Cuts lengths and checksums out. Undefined where one is not found in its place. */
export function skeletonOf(file: Uint8Array, header: Header): Skeleton | undefined {
  const kept = new Writer();
  const cuts = new Writer();
  kept.put(file.subarray(8, 12));
  const table = file.subarray(FIXED_BYTES, header.headerLength - header.textBytes);
  let at = 0;
  for (const { parts, codec } of header.tensors) {
    if (parts.length === 0) continue;
    const fields = fieldsOf(parts);
    const from = indexOf(table, fields, at);
    if (from < 0) return undefined;
    const raw = codec === 'raw';
    const keep = raw ? fields.length - 4 : 0;
    cuts.varint(from - at);
    cuts.varint(raw ? 0 : parts.length);
    kept.put(table.subarray(at, from + keep));
    at = from + fields.length;
  }
  kept.put(table.subarray(at));
  return { bytes: kept.take(), cuts: cuts.take() };
}

/**
 * A header with lengths and checksums; without `tensors`, while these are not known, one that may be read already.
 *
 * @throws EspError 'limit' where it is longer, or has more tensors
 */
export function headerOf(
  { bytes, cuts }: Skeleton,
  text: Uint8Array,
  max: Required<Limits>,
  tensors?: readonly TensorEntry[],
): Uint8Array {
  const bones = new Reader(bytes);
  const where = new Reader(cuts);
  const version = bones.take(4);
  const known = tensors?.filter(({ parts }) => parts.length > 0);
  const table = new Writer();
  let length = 0;
  for (let i = 0; where.position < cuts.length; i++) {
    table.put(bones.take(where.varint()));
    const tiles = where.varint();
    atMost(max, 'tensors', i);
    atMost(max, 'headerBytes', table.length + 5 * tiles);
    if (tiles > 0) {
      const parts = known?.[i].parts ?? Array<Tile>(tiles).fill({ length: UNKNOWN, crc: 0 });
      table.put(fieldsOf(parts));
      for (const part of parts) length += part.length;
    } else {
      const own = bones.varint();
      length += own;
      table.varint(own);
      table.uint(known?.[i].parts[0].crc ?? 0, 4);
    }
  }
  table.put(bones.take(bytes.length - bones.position));
  table.put(text);
  const headerLength = FIXED_BYTES + table.length;
  const header = new Writer();
  header.put(Uint8Array.from(MAGIC));
  header.put(version);
  header.uint(headerLength, 4);
  header.uint(0, 4);
  header.uint(headerLength + length, 6);
  header.put(table.take());
  const made = header.take();
  new DataView(made.buffer).setUint32(16, crc32c(made, 20, headerLength, crc32c(made, 0, 16)), true);
  return made;
}

/** Lengths and checksums of tiles, as a header has them. */
function fieldsOf(parts: readonly Tile[]): Uint8Array {
  const out = new Writer();
  for (const { length, crc } of parts) {
    out.varint(length);
    out.uint(crc, 4);
  }
  return out.take();
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = from; at + wanted.length <= bytes.length; at++) {
    let same = 0;
    while (same < wanted.length && bytes[at + same] === wanted[same]) same++;
    if (same === wanted.length) return at;
  }
  return -1;
}
