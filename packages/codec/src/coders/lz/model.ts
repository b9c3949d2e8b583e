import { AGAIN, DISTANCES, LENGTHS, LITERALS } from '../../numbers.js';
import { codeBit, codeGolomb, codeTree, freshStates } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';

/*
 * LZ77 with adaptive binary coding, for tensors that repeat themselves (fixed kernels, tables, constants):
 * a literal, or a copy of `length` >= 2 bytes from `distance` >= 1 back, or a copy from the last distance.
 * Literals are bit trees chosen by whether the last step was a copy and by the byte's place in its element, or
 * where elements are bytes by the three high bits of the byte before.
 */

/** Codes steps; probabilities are the same at both ends. */
export class LzModel {
  private readonly states: Int32Array = freshStates(LITERALS + 4096);
  /** Whether the last step was a copy. */
  private copied = 0;
  private readonly coder: BitCoder;
  private readonly itemBytes: number;

  constructor(coder: BitCoder, itemBytes: number) {
    this.coder = coder;
    this.itemBytes = itemBytes;
  }

  /** 1 for a copy, 0 for a literal. */
  kind(position: number, copy: number): number {
    return codeBit(this.coder, this.states, (position % this.itemBytes) * 2 + this.copied, copy);
  }

  /** A byte at `position` after the byte `before`. */
  literal(position: number, before: number, byte: number): number {
    const place = this.itemBytes === 1 ? before >> 5 : position % this.itemBytes;
    const base = LITERALS + (place * 2 + this.copied) * 256;
    this.copied = 0;
    return codeTree(this.coder, this.states, base, 8, byte) & 255;
  }

  /** A copy: its length, from 2, and its distance; 0 for the last one. */
  copy(length: number, distance: number): [length: number, distance: number] {
    const { coder, states, copied } = this;
    this.copied = 1;
    const again = codeBit(coder, states, AGAIN + copied, distance ? 0 : 1);
    const found = codeGolomb(coder, states, LENGTHS + again * 26, length - 1) + 1;
    if (again) return [found, 0];
    return [found, codeGolomb(coder, states, DISTANCES + Math.min(found - 2, 2) * 26, distance)];
  }
}
