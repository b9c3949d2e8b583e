import { AGAIN, DISTANCES, LENGTHS, LITERALS, TREES } from '../../numbers.js';
import { codeBit, codeGolomb, codeTree, freshStates } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';

/*
 * LZ77 with adaptive binary coding, for tensors that repeat themselves (fixed kernels, tables, constants):
 * a literal, or a copy of `length` >= 2 bytes from `distance` >= 1 back, or a copy from the last distance, or from one of the
 * last 16: then the lower bits of lengths have states, too.
 * Literals are bit trees chosen by whether the last step was a copy and by the byte's place in its element, or
 * where elements are bytes by the three high bits of the byte before.
 */

/** Codes steps; probabilities are the same at both ends. */
export class LzModel {
  private readonly states: Int32Array = freshStates(TREES + 8192);
  /** Whether the last step was a copy. */
  private copied = 0;
  private readonly coder: BitCoder;
  private readonly itemBytes: number;
  /** The last distances, newest first. */
  readonly recent: number[];

  /** `many`: how many of the last distances are known, 1 or 15. */
  constructor(coder: BitCoder, itemBytes: number, many = 1) {
    this.coder = coder;
    this.itemBytes = itemBytes;
    // What nothing is as far from.
    this.recent = Array(many).fill(Infinity);
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

  /** A copy: its length, from 2, and its distance; `known`: which of the last distances it is, from 1; 0 for none. */
  copy(length: number, distance: number, known: number): [length: number, distance: number] {
    const { coder, states, copied, recent } = this;
    this.copied = 1;
    const many = recent.length;
    // In 4 bits, or 1.
    const which = (codeTree(coder, states, AGAIN - 1 + copied * many, many & 4 || 1, known) & many) - 1;
    const again = which < 0 ? 0 : 1;
    const found =
      many > 1
        ? codeTree(coder, states, TREES + again * 4096, 12, length - 2) - 4094
        : codeGolomb(coder, states, LENGTHS + again * 26, length - 1) + 1;
    // The oldest one makes room, where it is none of them.
    const [old] = recent.splice(which, 1);
    const far = again ? old : codeGolomb(coder, states, DISTANCES + Math.min(found - 2, 2) * 26, distance);
    recent.unshift(far);
    return [found, far];
  }
}
