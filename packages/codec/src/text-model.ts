import { RANGE, squash, stretch } from './logistic.js';
import { primer } from './primer.js';

const ORDERS = 7;
/** Longer texts get larger tables, primed afresh. */
const LARGE = 16384;
/** The model after the primer, made once. */
let prepared: TextModel | undefined;

/*
 * A context-mixing model of text, for topologies and names: the contexts of orders 1, 2, 3, 4, 6, the word
 * so far, and the longest match, mixed in the logistic domain (Mahoney, 2005). It is primed with a
 * frozen text that looks like every TF.js model, so that a small net's topology costs a few dozen bytes.
 */
export class TextModel {
  /** The bytes so far, the primer first. */
  readonly #history: Uint8Array;
  #length = 0;
  readonly #bits: number;
  /** Per order a hashed table of states: 22-bit probability, 10-bit count. */
  #tables: Int32Array[] = [];
  readonly #slots: Int32Array = new Int32Array(ORDERS);
  readonly #hashes: Int32Array = new Int32Array(ORDERS);
  readonly #inputs: Int32Array = new Int32Array(ORDERS + 2);
  readonly #weights: Int32Array;
  #weightBase = 0;
  /** Where in the history the longest match goes on, and how long it is. */
  #match = 0;
  #matchLength = 0;
  readonly #matchTable: Int32Array;
  readonly #matchStates: Int32Array;
  #matchSlot = -1;
  /** The bits of the current byte so far, after a leading 1. */
  #partial = 1;
  #p = 32768;
  #word = 0;

  /** Room for `capacity` bytes; `from`: a model whose knowledge to begin with. */
  constructor(capacity: number, from?: TextModel) {
    const known = from ? from.#length : 0;
    this.#history = new Uint8Array(known + capacity);
    if (from) {
      this.#bits = from.#bits;
      this.#history.set(from.#history.subarray(0, known));
      this.#length = known;
      this.#tables = from.#tables.map((table) => table.slice());
      this.#matchTable = from.#matchTable.slice();
      this.#matchStates = from.#matchStates.slice();
      this.#weights = from.#weights.slice();
      this.#match = from.#match;
      this.#matchLength = from.#matchLength;
      this.#word = from.#word;
    } else {
      this.#bits = capacity > LARGE ? 18 : 16;
      for (let i = 0; i < ORDERS - 1; i++)
        this.#tables.push(new Int32Array(2 ** this.#bits).fill(-(2 ** 31)));
      this.#matchTable = new Int32Array(65536);
      this.#matchStates = new Int32Array(64).fill(-(1 << 30));
      this.#weights = new Int32Array((ORDERS + 2) * 24).fill(22000);
    }
    this.#setContexts();
    this.#predict();
  }

  /** A model that knows the primer, with room for `length` bytes of text more. */
  static primed(length: number): TextModel {
    const large = length > LARGE;
    if (!large && prepared) return new TextModel(length, prepared);
    const bytes = primer();
    const model = new TextModel(bytes.length + (large ? length : 0));
    for (const byte of bytes) for (let i = 7; i >= 0; i--) model.update((byte >> i) & 1);
    if (large) return model;
    prepared = model;
    return new TextModel(length, model);
  }

  /** The probability, in 1/65536, that the next bit is 1. */
  get p(): number {
    return this.#p;
  }

  /** Learns the next bit. */
  update(bit: number): void {
    this.#learn(bit);
    this.#partial = (this.#partial << 1) | bit;
    if (this.#partial >= 256) this.#endByte(this.#partial & 255);
    this.#predict();
  }

  #learn(bit: number): void {
    const error = (bit << 16) - this.#p;
    const inputs = this.#inputs;
    for (let i = 0; i < ORDERS + 2; i++) {
      this.#weights[this.#weightBase + i] += (Math.imul(inputs[i], error) + 8192) >> 14;
    }
    for (let i = 0; i < ORDERS - 1; i++) train(this.#tables[i], this.#slots[i], bit, 127);
    if (this.#matchSlot >= 0) {
      const expected = this.#expectedBit();
      train(this.#matchStates, this.#matchSlot, bit === expected ? 1 : 0, 255);
      if (bit !== expected) this.#matchLength = 0;
    }
  }

  #expectedBit(): number {
    const depth = 31 - Math.clz32(this.#partial);
    return (this.#history[this.#match] >> (7 - depth)) & 1;
  }

  #endByte(byte: number): void {
    const h = this.#history;
    h[this.#length++] = byte;
    this.#partial = 1;
    if (this.#matchLength > 0) {
      this.#match++;
      if (this.#matchLength < 63) this.#matchLength++;
    }
    const n = this.#length;
    const letter = (byte | 32) >= 97 && (byte | 32) <= 122;
    this.#word = letter ? hash(this.#word, byte) : 0;
    this.#setContexts();
    if (n >= 5) {
      const key = hash(hash(hash(hash(hash(9, h[n - 1]), h[n - 2]), h[n - 3]), h[n - 4]), h[n - 5]) >>> 16;
      if (this.#matchLength === 0) {
        const candidate = this.#matchTable[key];
        let length = 0;
        while (length < 40 && length < candidate && h[candidate - 1 - length] === h[n - 1 - length]) length++;
        if (length >= 5) {
          this.#match = candidate;
          this.#matchLength = length;
        }
      }
      this.#matchTable[key] = n;
    }
  }

  #setContexts(): void {
    const h = this.#history;
    const n = this.#length;
    let key = 1;
    let table = 0;
    for (let order = 1; order <= 6; order++) {
      key = hash(key, n >= order ? h[n - order] : 0);
      if (order !== 5) this.#hashes[table++] = key + order;
    }
    this.#hashes[5] = hash(this.#word, 1);
  }

  #predict(): void {
    const inputs = this.#inputs;
    const shift = 32 - this.#bits;
    for (let i = 0; i < ORDERS - 1; i++) {
      const slot = hash(this.#hashes[i], this.#partial) >>> shift;
      this.#slots[i] = slot;
      const state = this.#tables[i][slot];
      const s = stretch[state >>> 20];
      // A context never seen says nothing.
      inputs[i] = (state & 1023) === 0 ? 0 : s;
    }
    this.#matchSlot = -1;
    inputs[ORDERS - 1] = 0;
    inputs[ORDERS] = 0;
    if (this.#matchLength > 0) {
      this.#matchSlot = Math.min(this.#matchLength, 63);
      const s = stretch[this.#matchStates[this.#matchSlot] >>> 20];
      inputs[ORDERS - 1] = this.#expectedBit() ? s : -s;
      inputs[ORDERS] = inputs[ORDERS - 1] >> 1;
    }
    inputs[ORDERS + 1] = 256;
    const bucket = this.#matchLength === 0 ? 0 : Math.min(2, 1 + (this.#matchLength >> 4));
    const depth = 31 - Math.clz32(this.#partial);
    this.#weightBase = (bucket * 8 + depth) * (ORDERS + 2);
    let dot = 0;
    for (let i = 0; i < ORDERS + 2; i++) dot += (inputs[i] * this.#weights[this.#weightBase + i]) / 65536;
    const x = Math.max(-RANGE, Math.min(RANGE, Math.floor(dot)));
    this.#p = squash[RANGE + x];
  }
}

function hash(a: number, b: number): number {
  const x = Math.imul(a ^ Math.imul(b + 1, 0x2f0b4c47), 0x2c1b3c6d);
  return Math.imul(x ^ (x >>> 15), 0x297a2d39);
}

/** Moves a state towards the bit by 1 / (count + 1.5), the count stopping at `limit`. */
function train(table: Int32Array, slot: number, bit: number, limit: number): void {
  const state = table[slot];
  const count = state & 1023;
  const p = state >>> 10;
  const next = p + Math.trunc(((bit ? 4194303 : 0) - p) / (count + 1.5));
  table[slot] = (next << 10) | (count < limit ? count + 1 : count);
}
