import { MAX_COPY, MAX_DISTANCE } from '../../numbers.js';

/** How far the trees compare. */
const REACH = 512;

/** What was there before: at each position copies, nearest first, each longer than those before it. */
export interface Matches {
  /** The positions: `first` to before `end`. */
  readonly first: number;
  readonly end: number;
  /** Where those of `first + i` begin in `copies`, and where the last ones end. */
  readonly starts: Int32Array;
  /** Length and distance in turn. */
  readonly copies: Int32Array;
}

/**
 * Finds what was there before by binary trees of positions, one for each hash of three bytes, sorted by what follows; the
 * newest is the root. Time is in proportion to the length, whatever the data. After Igor Pavlov's LZMA SDK, which is in
 * the public domain.
 */
export class Finder {
  readonly #data: Uint8Array;
  readonly #depth: number;
  readonly #heads: Int32Array = new Int32Array(65536).fill(-1);
  /** Of each position in the window: the roots of what sorts before it and after it. */
  readonly #tree: Int32Array;
  readonly #mask: number;
  #copies = new Int32Array(1024);
  #used = 0;

  /** `depth`: most nodes that are looked at for a position. */
  constructor(data: Uint8Array, depth: number) {
    this.#data = data;
    this.#depth = depth;
    const window = Math.min(MAX_DISTANCE, 2 ** Math.ceil(Math.log2(data.length + 1)));
    this.#mask = window - 1;
    this.#tree = new Int32Array(2 * window);
  }

  /** Makes positions known without a look for copies. */
  skip(first: number, end: number): void {
    for (let i = first; i < end; i++) this.#insert(i, false, 0);
  }

  /** The copies at all positions from `first` to before `end`. Those before are known. */
  matches(first: number, end: number): Matches {
    const starts = new Int32Array(end - first + 1);
    this.#used = 0;
    let [long, stop] = [0, 0];
    for (let i = first; i < end; i++) {
      starts[i - first] = this.#used;
      if (this.#insert(i, true, i + REACH <= stop ? long : 0) < REACH) continue;
      // The tree compares no further. Inside of a long copy it is known how far it goes.
      const distance = this.#copies[this.#used - 1];
      if (distance !== long || i + REACH > stop) stop = i + this.common(i, distance, MAX_COPY);
      long = distance;
      this.#copies[this.#used - 2] = stop - i;
    }
    starts[end - first] = this.#used;
    return { first, end, starts, copies: this.#copies };
  }

  /** How many bytes from `position` are as those `distance` before, at most `most`. */
  common(position: number, distance: number, most: number): number {
    const data = this.#data;
    const end = Math.min(data.length, position + most);
    let at = position;
    while (at < end && data[at] === data[at - distance]) at++;
    return at - position;
  }

  /**
   * Puts a position into its tree; keeps the copies on the way, if wanted, and returns the longest one's length. `same`: how
   * far back it is the same as far as is looked; 0 for unknown.
   */
  #insert(position: number, wanted: boolean, same: number): number {
    const data = this.#data;
    const tree = this.#tree;
    const mask = this.#mask;
    const limit = Math.min(REACH, data.length - position);
    if (limit < 3) return 0;
    const word = data[position] | (data[position + 1] << 8) | (data[position + 2] << 16);
    const key = Math.imul(word, 0x9e3779b1) >>> 16;
    let candidate = this.#heads[key];
    this.#heads[key] = position;
    let before = 2 * (position & mask);
    let after = before + 1;
    let [commonBefore, commonAfter] = [0, 0];
    let longest = 2;
    for (let left = this.#depth; ; left--) {
      const distance = position - candidate;
      if (left === 0 || candidate < 0 || distance > mask) {
        tree[before] = -1;
        tree[after] = -1;
        return longest;
      }
      const node = 2 * (candidate & mask);
      let length = distance === same ? limit : Math.min(commonBefore, commonAfter);
      while (length < limit && data[candidate + length] === data[position + length]) length++;
      if (length > longest) {
        longest = length;
        if (wanted) this.#keep(length, distance);
      }
      if (length === limit) {
        // Takes the place of a node that is the same as far as is looked.
        tree[before] = tree[node];
        tree[after] = tree[node + 1];
        return longest;
      }
      if (data[candidate + length] < data[position + length]) {
        tree[before] = candidate;
        before = node + 1;
        candidate = tree[before];
        commonBefore = length;
      } else {
        tree[after] = candidate;
        after = node;
        candidate = tree[after];
        commonAfter = length;
      }
    }
  }

  #keep(length: number, distance: number): void {
    if (this.#used === this.#copies.length) {
      const larger = new Int32Array(2 * this.#used);
      larger.set(this.#copies);
      this.#copies = larger;
    }
    this.#copies[this.#used++] = length;
    this.#copies[this.#used++] = distance;
  }
}
