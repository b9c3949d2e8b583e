import { fail } from '../errors.js';

/** Longest code. */
const MAX_LENGTH = 20;

/** Lengths of an optimal prefix code (Huffman 1952); 0 for symbols that do not occur. */
export function codeLengths(counts: readonly number[]): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  let nodes = counts.flatMap((weight, symbol) => (weight > 0 ? [{ weight, symbols: [symbol] }] : []));
  if (nodes.length === 1) lengths[nodes[0].symbols[0]] = 1;
  while (nodes.length > 1) {
    // Stable: ties by the order in which nodes were made.
    nodes = nodes.sort((a, b) => a.weight - b.weight);
    const [a, b, ...rest] = nodes;
    const symbols = [...a.symbols, ...b.symbols];
    for (const symbol of symbols) lengths[symbol]++;
    nodes = [...rest, { weight: a.weight + b.weight, symbols }];
  }
  if (lengths.some((length) => length > MAX_LENGTH)) fail('input', 'a Huffman code is too long');
  return lengths;
}

/** Canonical codes: by length, then by symbol. */
export function canonicalCodes(lengths: Uint8Array): Uint32Array {
  const codes = new Uint32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === length) codes[symbol] = code++;
    code *= 2;
  }
  return codes;
}

/** Writes bits, highest first. */
export class BitWriter {
  #bytes = new Uint8Array(1024);
  #position = 0;

  put(value: number, count: number): void {
    if (this.#position + count > 8 * this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    for (let i = count - 1; i >= 0; i--, this.#position++) {
      if ((value >>> i) & 1) this.#bytes[this.#position >>> 3] |= 128 >> (this.#position & 7);
    }
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, Math.ceil(this.#position / 8));
  }
}

/** Reads bits, highest first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#position >>> 3];
      if (byte === undefined) fail('length', 'the bits end too early');
      value = value * 2 + ((byte >> (7 - (this.#position & 7))) & 1);
      this.#position++;
    }
    return value;
  }

  /** Fails unless only the padding of the last byte is left. */
  finish(): void {
    if (Math.ceil(this.#position / 8) !== this.#bytes.length) fail('length', 'bits are left over');
  }
}

/** Reads symbols of one canonical code: those of a length follow each other, and so do their codes. */
export class SymbolReader {
  readonly #symbols: number[];
  readonly #counts: Uint32Array = new Uint32Array(MAX_LENGTH + 1);

  constructor(lengths: Uint8Array) {
    this.#symbols = [...lengths.keys()].filter((s) => lengths[s] > 0);
    this.#symbols.sort((a, b) => lengths[a] - lengths[b] || a - b);
    for (const symbol of this.#symbols) {
      if (lengths[symbol] > MAX_LENGTH) fail('payload', 'a Huffman code is too long');
      this.#counts[lengths[symbol]]++;
    }
  }

  /** @throws EspError 'payload' for bits that are no code. */
  read(bits: BitReader): number {
    // The codes of a length start where those of the last one end, doubled.
    for (let length = 1, code = 0, first = 0, index = 0; length <= MAX_LENGTH; length++) {
      code = code * 2 + bits.get(1);
      const count = this.#counts[length];
      if (code - first < count) return this.#symbols[index + code - first];
      index += count;
      first = (first + count) * 2;
    }
    return fail('payload', 'a Huffman code does not exist');
  }
}
