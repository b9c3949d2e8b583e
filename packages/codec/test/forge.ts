import { crc32c } from '../src/bytes/crc32c.js';
import { inspect } from '../src/index.js';

/** Puts the right checksum into a header that was changed. */
export function sealHeader(file: Uint8Array, headerBytes: number): Uint8Array {
  new DataView(file.buffer).setUint32(16, crc32c(file, 20, headerBytes, crc32c(file, 0, 16)), true);
  return file;
}

/** A file with another header, whose lengths and checksum are right. */
export function withHeader(file: Uint8Array, header: ArrayLike<number>): Uint8Array {
  const { headerBytes } = inspect(file);
  const forged = new Uint8Array(header.length + file.length - headerBytes);
  forged.set(header);
  forged.set(file.subarray(headerBytes), header.length);
  const view = new DataView(forged.buffer);
  view.setUint32(12, header.length, true);
  view.setUint32(20, forged.length, true);
  return sealHeader(forged, header.length);
}
