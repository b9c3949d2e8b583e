import { broken } from '../errors.js';

/** Reads fields, little-endian; every read is checked against the end. */
export class Reader {
  private readonly bytes: Uint8Array;
  position = 0;
  /** How many more numbers may be read that are coded. */
  numbersLeft: number;
  /** Whether it reads a file in its small form: 0, 1 as it was first, 2 as it was then, 3. */
  readonly small: number;
  /** Of the small form: the order in which the levels of the tensor that is read are stored, where it is one that most are in. */
  usual: readonly number[] | undefined;
  /** And the last size of the tensor before. */
  last = 0;

  constructor(bytes: Uint8Array, numbers = 0, small = 0) {
    this.bytes = bytes;
    this.small = small;
    this.numbersLeft = numbers;
  }

  /** The next `count` bytes. */
  take(count: number): Uint8Array {
    const start = this.position;
    if (!(count <= this.bytes.length - start)) broken(1); // a field reaches past the end
    this.position = start + count;
    return this.bytes.subarray(start, this.position);
  }

  /** An unsigned integer of `size` bytes, at most 6. */
  uint(size: number): number {
    let value = 0;
    for (let i = size; i-- > 0; ) value = value * 256 + this.bytes[this.position + i];
    this.position += size;
    if (this.position > this.bytes.length) broken(1); // a field reaches past the end
    return value;
  }

  /** An unsigned LEB128 integer below 2^49, in its shortest form. */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.uint(1);
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (byte === 0 && factor > 1) broken(2); // an integer is not in its shortest form
        return value;
      }
      if (factor === 2 ** 42) broken(3); // an integer is longer than 7 bytes
    }
  }
}
