/*
 * A second decoder, written from docs/format.md and nothing else, to tell what is right: slow and plain, one formula
 * after the other. It trusts its input.
 */

const imul = Math.imul;

/** "Range decoder" */
export class Bits {
  #range = 2 ** 31 - 1;
  #value: number;
  #at = 4;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#value = [0, 1, 2, 3].reduce((value, i) => value * 256 + (bytes[i] ?? 0), 0);
  }

  /** `p`: the probability of a 1, in 1/65536. */
  bit(p: number): number {
    const bound = Math.floor((Math.floor(this.#range / 32768) * p) / 2);
    const one = this.#value < bound;
    if (one) this.#range = bound;
    else {
      this.#value -= bound;
      this.#range -= bound;
    }
    while (this.#range < 2 ** 23) {
      this.#range *= 256;
      this.#value = this.#value * 256 + (this.#bytes[this.#at++] ?? 0);
    }
    return one ? 1 : 0;
  }

  /** How many bytes beyond its end were read. */
  get beyond(): number {
    return this.#at - this.#bytes.length;
  }
}

const exponentials = [2 ** 30];
for (let x = 0; x < 2128; x++) exponentials.push(Number((BigInt(exponentials[x]) * 4177952n) >> 22n));

/** "Tables": probability of a stretch. */
export function squash(x: number): number {
  if (x < 0) return 65536 - squash(-x);
  return Number((65536n * 2n ** 30n) / (2n ** 30n + BigInt(exponentials[x])));
}

/** The smallest stretch whose probability is that of 12 bits. */
export function stretch(i: number): number {
  let [low, high] = [-2128, 2128];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (squash(middle) >= 16 * i + 8) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function density(i: number): number {
  const l = Math.floor(Math.log2(i | 1));
  const h = l === 0 ? 0 : Math.floor(i / 2 ** (l - 1)) % 2;
  return Math.min(15, Math.max(0, 2 * l + h - 7));
}

const delta = (count: number): number => Math.floor(8192 / (count + 1.5));
const goal = (bit: number): number => (bit ? 524159 : 128);

/** "States": a probability of 22 bits and a count of 10. */
export class State {
  p: number;
  count: number;

  constructor(p16: number, count: number) {
    this.p = p16 * 64;
    this.count = count;
  }

  get p16(): number {
    return this.p >> 6;
  }

  learn(bit: number): void {
    this.p = (this.p + (imul(goal(bit) - (this.p >> 3), delta(this.count)) >> 10)) & 0x3fffff;
    if (this.count < 1022) this.count++;
  }

  code(bits: Bits): number {
    const bit = bits.bit(this.p16);
    this.learn(bit);
    return bit;
  }
}

/** A state whose count is 255 at most. */
export class Capped extends State {
  constructor() {
    super(32768, 0);
  }

  override learn(bit: number): void {
    if (this.count === 255) this.count = 254;
    super.learn(bit);
  }
}

/** A probability of 32 bits whose count is known otherwise. */
export class Counted {
  word: number;

  constructor(p16: number) {
    this.word = p16 << 16;
  }

  get p12(): number {
    return this.word >>> 20;
  }

  learn(bit: number, seen: number): void {
    this.word = (this.word + imul(goal(bit) - (this.word >>> 13), delta(Math.min(1022, 8 + seen)))) | 0;
  }
}

/** Things made when they are asked for, by any key. */
export class Made<T> {
  readonly #all = new Map<string, T>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  at(...key: (number | string)[]): T {
    const name = key.join();
    let one = this.#all.get(name);
    if (one === undefined) {
      one = this.#make();
      this.#all.set(name, one);
    }
    return one;
  }
}

export const capped = (): Made<Capped> => new Made(() => new Capped());

/** "A bit tree", of so many bits. */
export function tree(bits: Bits, count: number, state: (node: number) => State): number {
  let node = 1;
  for (let k = 0; k < count; k++) node = 2 * node + state(node).code(bits);
  return node - 2 ** count;
}

/** "Exp-Golomb" */
export function golomb(bits: Bits, state: (place: number) => State): number {
  let size = 0;
  while (state(size).code(bits)) size++;
  let value = 1;
  for (let k = 0; k < size; k++) value = 2 * value + bits.bit(32768);
  return value;
}
