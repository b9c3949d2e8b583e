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
  readonly #bytes: number[] = [];
  #bit = 0;

  put(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) {
      if (this.#bit === 0) this.#bytes.push(0);
      if ((value >>> i) & 1) this.#bytes[this.#bytes.length - 1] |= 128 >> this.#bit;
      this.#bit = (this.#bit + 1) & 7;
    }
  }

  take(): Uint8Array {
    return Uint8Array.from(this.#bytes);
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
      const byte = this.#bytes[this.#position >> 3];
      if (byte === undefined) fail('length', 'the bits end too early');
      value = value * 2 + ((byte >> (7 - (this.#position & 7))) & 1);
      this.#position++;
    }
    return value;
  }

  /** One symbol of a canonical code. */
  symbol(lengths: Uint8Array, codes: Uint32Array): number {
    let code = 0;
    for (let length = 1; length <= MAX_LENGTH; length++) {
      code = code * 2 + this.get(1);
      for (let s = 0; s < lengths.length; s++) if (lengths[s] === length && codes[s] === code) return s;
    }
    return fail('payload', 'a Huffman code does not exist');
  }

  /** Fails unless only the padding of the last byte is left. */
  finish(): void {
    if (Math.ceil(this.#position / 8) !== this.#bytes.length) fail('length', 'bits are left over');
  }
}
