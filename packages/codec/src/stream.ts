import type { ModelArtifacts, WeightSpec } from './artifacts.js';
import { artifactsOf, asBytes, checkTiles, decodeTensor } from './decode.js';
import { fail } from './errors.js';
import type { Header } from './format.js';
import { cut, readFixed, readHeader } from './header.js';
import type { Limits } from './limits.js';
import { FIXED_BYTES } from './numbers.js';

/** A tensor as it comes out of a stream. */
export interface DecodedTensor {
  /** Its place in `weightSpecs`. */
  index: number;
  spec: WeightSpec;
  /** Its bytes, as in `weightData`. */
  data: ArrayBuffer;
}

/** Takes a file in pieces; see {@link createDecoder}. */
export interface StreamDecoder {
  /** Adds bytes; returns the tensors that they complete. @throws EspError as `decode` */
  write(chunk: ArrayBuffer | ArrayBufferView): DecodedTensor[];
  /** Says that no more will come. @throws EspError 'length' when something is missing */
  end(): void;
  /** All artifacts but the weights, once the header is there. */
  readonly artifacts: (ModelArtifacts & { weightSpecs: WeightSpec[] }) | undefined;
  /** Bytes of all tensors once decoded, once the header is there. */
  readonly decodedBytes: number | undefined;
}

/**
 * A decoder that is fed as bytes arrive and hands out each tensor as soon as its last byte is there and its checksum is
 * right. It keeps no more than the bytes of one tensor, and of those that later ones repeat.
 *
 * @example
 * ```ts
 * import { encode } from '@espalier/codec';
 * import { createDecoder } from '@espalier/codec/stream';
 *
 * const file = encode({
 *   weightSpecs: [
 *     { name: 'a', shape: [2], dtype: 'float32' },
 *     { name: 'b', shape: [1], dtype: 'float32' },
 *   ],
 *   weightData: Float32Array.of(1, 2, 3).buffer,
 * });
 * const decoder = createDecoder();
 * const names: string[] = [];
 * for (const byte of file) for (const { spec } of decoder.write(Uint8Array.of(byte))) names.push(spec.name);
 * decoder.end();
 * if (names.join() !== 'a,b') throw new Error('tensors arrive in order');
 * ```
 */
export function createDecoder(limits?: Limits): StreamDecoder {
  return new Decoder(limits);
}

class Decoder implements StreamDecoder {
  readonly #limits: Limits | undefined;
  #header: Header | undefined;
  /** Bytes not used yet, and where they lie in the file. */
  #pending: Uint8Array = new Uint8Array(0);
  #length = 0;
  #base = 0;
  #next = 0;
  /** Numbers of the tensors that later ones repeat, and their bytes. */
  #sources: ReadonlySet<number | undefined> = new Set();
  readonly #repeated = new Map<number, Uint8Array>();
  #failed = false;

  constructor(limits?: Limits) {
    this.#limits = limits;
  }

  get artifacts(): (ModelArtifacts & { weightSpecs: WeightSpec[] }) | undefined {
    return this.#header && artifactsOf(this.#header);
  }

  get decodedBytes(): number | undefined {
    return this.#header?.decodedBytes;
  }

  write(chunk: ArrayBuffer | ArrayBufferView): DecodedTensor[] {
    if (this.#failed) fail('payload', 'the stream has failed before');
    this.#failed = true;
    this.#append(asBytes(chunk));
    this.#readHeader();
    const found = this.#decode();
    this.#failed = false;
    return found;
  }

  end(): void {
    const header = this.#header;
    if (this.#failed || !header || this.#base + this.#length !== header.fileLength) {
      fail('length', 'the file ends too early');
    }
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#pending.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#pending.length));
      larger.set(this.#pending.subarray(0, this.#length));
      this.#pending = larger;
    }
    this.#pending.set(bytes, this.#length);
    this.#length = needed;
  }

  #readHeader(): void {
    if (this.#header) return;
    const bytes = this.#pending.subarray(0, this.#length);
    if (bytes.length < FIXED_BYTES) return;
    const { headerLength } = readFixed(bytes, this.#limits);
    if (bytes.length < headerLength) return;
    this.#header = readHeader(bytes, this.#limits);
    this.#sources = new Set(this.#header.tensors.map(({ same }) => same));
    this.#drop(headerLength);
  }

  #decode(): DecodedTensor[] {
    const found: DecodedTensor[] = [];
    const header = this.#header;
    if (!header) return found;
    const { tensors, fileLength } = header;
    if (this.#base + this.#length > fileLength) cut();
    while (this.#next < tensors.length) {
      const tensor = tensors[this.#next];
      const stored = tensor.tiles.reduce((n, tile) => n + tile.length, 0);
      if (stored > this.#length) break;
      checkTiles(this.#pending, tensor, this.#base);
      const data = new ArrayBuffer(tensor.byteLength);
      const out = new Uint8Array(data);
      if (tensor.same === undefined) decodeTensor(this.#pending, tensor, out, this.#base);
      else out.set(this.#repeated.get(tensor.same)!);
      if (this.#sources.has(this.#next)) this.#repeated.set(this.#next, out.slice());
      found.push({ index: this.#next++, spec: tensor.spec, data });
      this.#drop(stored);
    }
    return found;
  }

  /** Forgets the first bytes. */
  #drop(count: number): void {
    this.#pending.copyWithin(0, count, this.#length);
    this.#length -= count;
    this.#base += count;
  }
}
