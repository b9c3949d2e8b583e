import { LzModel, MAX_COPY, MAX_DISTANCE } from './lz.js';
import { RangeEncoder } from './range-encoder.js';

/**
 * Counterpart of `decodeLz`: hash chains over 4 bytes, lazy matching. `effort` 0 to 9: how far to look. The
 * decoder knows `data[0, position)`.
 */
export function encodeLz(data: Uint8Array, itemBytes: number, effort: number, position = 0): Uint8Array {
  const coder = new RangeEncoder();
  const model = new LzModel(coder, itemBytes);
  const finder = new Finder(data, 4 << effort);
  let last = 0;
  for (let i = 0; i < position; i++) finder.insert(i);
  while (position < data.length) {
    const copy = finder.best(position, last);
    const better =
      copy.length > 0 && copy.length < 64 && position + 1 < data.length ? finder.peek(position + 1, last) : 0;
    if (copy.length === 0 || better > copy.gain + 8) {
      model.kind(position, 0);
      model.literal(position, data[position - 1] ?? 0, data[position]);
      finder.insert(position++);
      continue;
    }
    model.kind(position, 1);
    model.copy(copy.length, copy.distance === last ? 0 : copy.distance);
    last = copy.distance;
    for (const stop = position + copy.length; position < stop; position++) finder.insert(position);
  }
  return coder.finish();
}

/** Finds copies; gain is an estimate of the bits saved. */
class Finder {
  readonly #data: Uint8Array;
  readonly #depth: number;
  readonly #heads: Int32Array = new Int32Array(65536).fill(-1);
  readonly #next: Int32Array;

  constructor(data: Uint8Array, depth: number) {
    this.#data = data;
    this.#depth = depth;
    this.#next = new Int32Array(data.length);
  }

  insert(position: number): void {
    if (position + 4 > this.#data.length) return;
    const key = this.#key(position);
    this.#next[position] = this.#heads[key];
    this.#heads[key] = position;
  }

  peek(position: number, last: number): number {
    return this.best(position, last).gain;
  }

  best(position: number, last: number): { length: number; distance: number; gain: number } {
    let best = { length: 0, distance: 0, gain: 0 };
    const consider = (distance: number, cost: number): void => {
      const length = this.#common(position, distance);
      // About 6 bits a literal byte; a copy costs its distance and length.
      const gain = length * 6 - cost - 2 * Math.log2(length + 1);
      if (length >= 2 && gain > best.gain) best = { length, distance, gain };
    };
    if (last > 0 && last <= position) consider(last, 3);
    if (position + 4 <= this.#data.length) {
      let candidate = this.#heads[this.#key(position)];
      for (let n = 0; n < this.#depth && candidate >= 0 && position - candidate <= MAX_DISTANCE; n++) {
        consider(position - candidate, 6 + Math.log2(position - candidate));
        if (best.length > 512) break;
        candidate = this.#next[candidate];
      }
    }
    return best;
  }

  #common(position: number, distance: number): number {
    const data = this.#data;
    const end = Math.min(data.length, position + MAX_COPY);
    let at = position;
    while (at < end && data[at] === data[at - distance]) at++;
    return at - position;
  }

  #key(position: number): number {
    const d = this.#data;
    const word = d[position] | (d[position + 1] << 8) | (d[position + 2] << 16) | (d[position + 3] << 24);
    return Math.imul(word, 0x9e3779b1) >>> 16;
  }
}
