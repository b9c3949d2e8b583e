import { crc32c } from '../bytes/crc32c.js';
import { codeTree, freshStates } from '../coders/range/adaptive.js';
import type { BitCoder } from '../coders/range/bit-coder.js';
import type { TensorEntry } from '../container/format.js';
import { Numbers } from './blob.js';

/** How a tensor gets its payloads: those of an older tensor; made anew where an older tensor is known; as they are. */
export const SAME = 0;
export const GIVEN = 1;
export const BYTES = 2;

/** What an update says of tensors, for both ends. */
export class Body {
  readonly numbers: Numbers;
  readonly coder: BitCoder;
  readonly #states: Int32Array = freshStates(32);
  readonly #sources: Int32Array = freshStates(65536);
  #kind = 0;
  #next = 0;

  constructor(coder: BitCoder) {
    this.coder = coder;
    this.numbers = new Numbers(coder);
  }

  /** How the next tensor gets its payloads; 3 is none. */
  kind(known: number): number {
    this.#kind = codeTree(this.coder, this.#states, 4 * this.#kind, 2, known) & 3;
    return this.#kind;
  }

  /** Which older tensor: the one after the last is likely. */
  source(known: number): number {
    const other = codeTree(this.coder, this.#states, 16, 1, known === this.#next ? 0 : 1) & 1;
    const found = other ? codeTree(this.coder, this.#sources, 0, 16, known) & 65535 : this.#next;
    this.#next = found + 1;
    return found;
  }
}

/** Notes the payloads of a tensor's tiles, and returns how long they are. */
export function setParts(entry: TensorEntry, payloads: readonly Uint8Array[]): number {
  entry.parts = payloads.map((payload) => ({ length: payload.length, crc: crc32c(payload) }));
  entry.stored = payloads.reduce((n, { length }) => n + length, 0);
  return entry.stored;
}
