import type { ModelArtifacts, WeightSpec } from '../artifacts.js';
import { asBytes } from '../bytes/view.js';
import type { Header } from '../container/format.js';
import { cut, readFixed, readHeader } from '../container/header.js';
import { checkLimits, type Limits } from '../container/limits.js';
import { artifactsOf, decode } from '../decode/decode.js';
import { checkTiles, decodeTensor } from '../decode/tensor.js';
import { fail } from '../errors.js';
import { FIXED_BYTES } from '../numbers.js';

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
  readonly #limits: Limits;
  #header: Header | undefined;
  #artifacts: StreamDecoder['artifacts'];
  /** Bytes not used yet: from `start` to `end`; `base`: where they lie in the file. */
  #pending: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #base = 0;
  #next = 0;
  /** Numbers of the tensors that later ones repeat, and their bytes. */
  #sources: ReadonlySet<number | undefined> = new Set();
  readonly #repeated = new Map<number, Uint8Array>();
  #failed = false;
  /** A whole file in its small form, until it is decoded. */
  #small: Uint8Array | undefined;

  constructor(limits?: Limits) {
    this.#limits = checkLimits(limits);
  }

  get artifacts(): StreamDecoder['artifacts'] {
    return this.#artifacts;
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
    if (this.#failed || !header || this.#base + this.#end - this.#start !== header.fileLength) {
      fail('length', 'the file ends too early');
    }
  }

  #append(bytes: Uint8Array): void {
    const kept = this.#pending.subarray(this.#start, this.#end);
    this.#end += bytes.length;
    if (this.#end > this.#pending.length) {
      // What has been used is dropped here only: so each byte is moved a few times at most.
      const length = kept.length + bytes.length;
      if (2 * length > this.#pending.length) this.#pending = new Uint8Array(2 * length);
      this.#pending.set(kept);
      this.#start = 0;
      this.#end = length;
    }
    this.#pending.set(bytes, this.#end - bytes.length);
  }

  /** The next `count` bytes, if they are there. */
  #take(count: number): Uint8Array | undefined {
    if (count > this.#end - this.#start) return undefined;
    this.#start += count;
    this.#base += count;
    return this.#pending.subarray(this.#start - count, this.#start);
  }

  #readHeader(): void {
    if (this.#header) return;
    const bytes = this.#pending.subarray(this.#start, this.#end);
    if (bytes.length < FIXED_BYTES) return;
    const { headerLength } = readFixed(bytes, this.#limits);
    if (bytes.length < headerLength) return;
    this.#header = readHeader(bytes, this.#limits);
    if (this.#header.coder) this.#small = bytes.slice(0, headerLength);
    this.#artifacts = artifactsOf(this.#header);
    this.#sources = new Set(this.#header.tensors.map(({ same }) => same));
    this.#take(headerLength);
  }

  /** Of the small form, whose header is the whole file: all tensors at once. */
  #decodeSmall({ tensors }: Header): DecodedTensor[] {
    const whole = this.#small;
    if (!whole) return [];
    this.#small = undefined;
    const { weightData } = decode(whole, this.#limits);
    return tensors.map(({ spec, start, total }, index) => ({
      index,
      spec,
      data: weightData.slice(start, start + total),
    }));
  }

  #decode(): DecodedTensor[] {
    const found: DecodedTensor[] = [];
    const header = this.#header;
    if (!header) return found;
    const { tensors, fileLength } = header;
    if (this.#base + this.#end - this.#start > fileLength) cut();
    if (header.coder) return this.#decodeSmall(header);
    for (; this.#next < tensors.length; this.#next++) {
      const tensor = tensors[this.#next];
      const stored = this.#take(tensor.stored);
      if (!stored) break;
      checkTiles(stored, tensor);
      const data = new ArrayBuffer(tensor.total);
      const out = new Uint8Array(data);
      decodeTensor(stored, tensor, out, this.#repeated.get(tensor.same ?? -1));
      if (this.#sources.has(this.#next)) this.#repeated.set(this.#next, out.slice());
      found.push({ index: this.#next, spec: tensor.spec, data });
    }
    return found;
  }
}
