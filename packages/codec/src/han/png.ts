import { fail } from '../errors.js';

/*
 * The notebook's export: the indices of a tensor as a grey picture, a row for each index of the first axis.
 * It wrote them with an imsave that stretches 0..15 to 0..255, and divided by 17 when reading ("quick hack").
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A grey picture of codebook indices. */
export interface IndexPicture {
  width: number;
  height: number;
  indices: Uint8Array;
}

/**
 * Writes indices as a grey PNG: of 4 bits when all are below 16, else of 8. `stretch`: as the notebook did, 8
 * bits with 4-bit indices times 17.
 *
 * @example
 * ```ts
 * import { readPng, writePng } from '@espalier/codec/han';
 * const picture = { width: 3, height: 2, indices: Uint8Array.of(0, 1, 15, 4, 5, 6) };
 * const { indices } = await readPng(await writePng(picture));
 * if (indices.join() !== '0,1,15,4,5,6') throw new Error(indices.join());
 * ```
 */
export async function writePng(picture: IndexPicture, stretch = false): Promise<Uint8Array> {
  const { width, height, indices } = picture;
  if (width < 1 || height < 1 || indices.length !== width * height)
    fail('input', 'the picture has the wrong size');
  const top = indices.reduce((a, b) => Math.max(a, b), 0);
  if (stretch && top > 15) fail('input', 'only indices below 16 can be stretched');
  const depth = top < 16 && !stretch ? 4 : 8;
  const rowBytes = Math.ceil((width * depth) / 8);
  const raw = new Uint8Array((rowBytes + 1) * height);
  for (let y = 0; y < height; y++) {
    // Each row starts with its filter, 0: indices are no smooth picture.
    const at = y * (rowBytes + 1) + 1;
    for (let x = 0; x < width; x++) {
      const value = indices[y * width + x];
      if (depth === 8) raw[at + x] = stretch ? value * 17 : value;
      else raw[at + (x >> 1)] |= value << (4 * (1 - (x & 1)));
    }
  }
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head[8] = depth;
  const data = await pipe(raw, new CompressionStream('deflate'));
  const chunks = [chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', new Uint8Array(0))];
  return new Uint8Array(await new Blob([Uint8Array.from(SIGNATURE), ...chunks]).arrayBuffer());
}

/**
 * Reads a grey, non-interlaced PNG of 4 or 8 bits. `stretch`: divide by 17, as the notebook did.
 *
 * @throws EspError for anything else, or for values that 17 does not divide.
 */
export async function readPng(bytes: Uint8Array, stretch = false): Promise<IndexPicture> {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) fail('magic', 'this is not a PNG file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let header: DataView | undefined;
  let position = 8;
  for (let type = ''; type !== 'IEND'; ) {
    if (position + 12 > bytes.length) fail('length', 'the picture is cut off');
    const length = view.getUint32(position);
    if (length > bytes.length - position - 12) fail('length', 'the picture is cut off');
    type = String.fromCharCode(...bytes.subarray(position + 4, position + 8));
    const end = position + 8 + length;
    if (crc32(bytes.subarray(position + 4, end)) !== view.getUint32(end))
      fail('checksum', `chunk ${type} is damaged`);
    if (type === 'IHDR' && length === 13)
      header = new DataView(bytes.buffer, bytes.byteOffset + position + 8, 13);
    if (type === 'IDAT') parts.push(bytes.subarray(position + 8, end));
    position = end + 4;
  }
  if (!header) return fail('header', 'the picture has no header');
  const [width, height, depth] = [header.getUint32(0), header.getUint32(4), header.getUint8(8)];
  if ((depth !== 4 && depth !== 8) || header.getUint32(9) !== 0) {
    fail('version', 'only grey pictures of 4 or 8 bits can be read');
  }
  const rowBytes = Math.ceil((width * depth) / 8);
  const joined = new Uint8Array(await new Blob(parts.map((part) => part.slice())).arrayBuffer());
  const raw = await pipe(joined, new DecompressionStream('deflate'), (rowBytes + 1) * height);
  unfilter(raw, rowBytes, height);
  const indices = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const at = y * (rowBytes + 1) + 1;
    for (let x = 0; x < width; x++) {
      const value = depth === 8 ? raw[at + x] : (raw[at + (x >> 1)] >> (4 * (1 - (x & 1)))) & 15;
      if (stretch && value % 17 !== 0) fail('payload', 'the picture was not stretched by 17');
      indices[y * width + x] = stretch ? value / 17 : value;
    }
  }
  return { width, height, indices };
}

/** Undoes the five filters of PNG, in place; a pixel is at most one byte. */
function unfilter(raw: Uint8Array, rowBytes: number, height: number): void {
  for (let y = 0; y < height; y++) {
    const at = y * (rowBytes + 1) + 1;
    const filter = raw[at - 1];
    if (filter > 4) fail('payload', 'a row has an unknown filter');
    if (filter === 0) continue;
    for (let x = 0; x < rowBytes; x++) {
      const left = x > 0 ? raw[at + x - 1] : 0;
      const up = y > 0 ? raw[at + x - rowBytes - 1] : 0;
      const corner = x > 0 && y > 0 ? raw[at + x - rowBytes - 2] : 0;
      const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      raw[at + x] += [0, left, up, (left + up) >> 1, paeth][filter];
    }
  }
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(data.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(data.length + 8, crc32(out.subarray(4, data.length + 8)));
  return out;
}

/** CRC-32 of zlib and PNG. */
function crc32(bytes: Uint8Array): number {
  let c = -1;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

/** Sends bytes through a stream; with `size`, exactly so many must come out. */
async function pipe(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  size?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (size !== undefined && length > size) {
        await reader.cancel();
        break;
      }
      parts.push(next.value);
    }
  } catch (error) {
    fail('payload', `the picture's data is damaged: ${error instanceof Error ? error.message : error}`);
  }
  if (size !== undefined && length !== size) fail('payload', "the picture's data has the wrong length");
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
