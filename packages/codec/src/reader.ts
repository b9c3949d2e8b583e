import { broken } from './errors.js';

/** Reads the header's fields; every read is checked against the end. */
export class Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** Moves over `count` bytes and returns where they start. */
  skip(count: number): number {
    const start = this.position;
    if (!(count <= this.end - start)) broken(1); // a field reaches past the end of the header
    this.position = start + count;
    return start;
  }

  u8(): number {
    return this.bytes[this.skip(1)];
  }

  u16(): number {
    const low = this.u8();
    return low | (this.u8() << 8);
  }

  u32(): number {
    const low = this.u16();
    return low + this.u16() * 65536;
  }

  /** An unsigned LEB128 integer below 2^49, in its shortest form. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.u8();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (byte === 0 && i > 0) broken(2); // an integer is not in its shortest form
        return value;
      }
      factor *= 128;
    }
    return broken(3); // an integer is longer than 7 bytes
  }
}
