import { Reader } from '../bytes/reader.js';
import type { Header } from '../container/format.js';
import { cut, readHeader } from '../container/header.js';
import type { Limits } from '../container/limits.js';
import { checkTiles, decodeTensor } from '../decode/tensor.js';
import { fail } from '../errors.js';

/** A file whose header has been read: payloads and tensors by number. */
export class Opened {
  readonly file: Uint8Array;
  readonly header: Header;

  /** @throws EspError as `decode` for a header; payloads are looked at when they are asked for */
  constructor(file: Uint8Array, limits?: Limits) {
    this.file = file;
    this.header = readHeader(file, limits);
    if (file.length !== this.header.fileLength) cut();
    if (this.header.coder) fail('input', 'a file in its small form has no updates: send it whole');
  }

  /** The text as it is stored. */
  get text(): Uint8Array {
    const { headerLength, textBytes } = this.header;
    return this.file.subarray(headerLength - textBytes, headerLength);
  }

  /** All payloads of a tensor, their checksums compared. */
  payload(index: number): Uint8Array {
    const entry = this.header.tensors[index];
    return checkTiles(this.file.subarray(entry.offset, entry.offset + entry.stored), entry);
  }

  /** The payload of each tile. */
  tiles(index: number): Uint8Array[] {
    const reader = new Reader(this.payload(index));
    return this.header.tensors[index].parts.map(({ length }) => reader.take(length));
  }

  /** A tensor's bytes. */
  decode(index: number): Uint8Array {
    const entry = this.header.tensors[index];
    const out = new Uint8Array(entry.total);
    const like = entry.same === undefined ? undefined : this.decode(entry.same);
    decodeTensor(this.payload(index), entry, out, like);
    return out;
  }
}
