import { MAX_COPY, MAX_DISTANCE } from './numbers.js';

/** A copy of earlier bytes; a literal has distance 0 and length 1. */
export interface Step {
  readonly length: number;
  readonly distance: number;
}

/** Finds what was there before, by chains of positions whose first bytes have the same hash. */
export class Finder {
  readonly #data: Uint8Array;
  /** Bytes that are hashed: the shortest copy that is found. */
  readonly #least: number;
  readonly #depth: number;
  readonly #heads: Int32Array = new Int32Array(65536).fill(-1);
  readonly #next: Int32Array;

  constructor(data: Uint8Array, least: 3 | 4, depth: number) {
    this.#data = data;
    this.#least = least;
    this.#depth = depth;
    this.#next = new Int32Array(data.length);
  }

  insert(position: number): void {
    if (position + this.#least > this.#data.length) return;
    const key = this.#key(position);
    this.#next[position] = this.#heads[key];
    this.#heads[key] = position;
  }

  /**
   * Calls `take` with copies that could start at `position`, nearest first, each longer than `length` and all before it.
   * Ends behind one that is longer than `enough`.
   */
  each(
    position: number,
    length: number,
    enough: number,
    take: (length: number, distance: number) => void,
  ): void {
    const data = this.#data;
    if (position + this.#least > data.length) return;
    let longest = length;
    let candidate = this.#heads[this.#key(position)];
    for (let n = 0; n < this.#depth && candidate >= 0 && position - candidate <= MAX_DISTANCE; n++) {
      if (data[candidate + longest] === data[position + longest]) {
        const found = this.common(position, position - candidate);
        if (found > longest) {
          longest = found;
          take(found, position - candidate);
          if (found > enough) return;
        }
      }
      candidate = this.#next[candidate];
    }
  }

  /** How many bytes from `position` are as those `distance` before. */
  common(position: number, distance: number): number {
    const data = this.#data;
    const end = Math.min(data.length, position + MAX_COPY);
    let at = position;
    while (at < end && data[at] === data[at - distance]) at++;
    return at - position;
  }

  #key(position: number): number {
    const d = this.#data;
    const word = d[position] | (d[position + 1] << 8) | (d[position + 2] << 16);
    return Math.imul(this.#least === 4 ? word | (d[position + 3] << 24) : word, 0x9e3779b1) >>> 16;
  }
}
