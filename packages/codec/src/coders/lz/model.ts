import { LITERALS } from '../../numbers.js';
import { codeBit, codeTree } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';
import { LzCopies } from './copies.js';

/*
 * LZ77 with adaptive binary coding, for tensors that repeat themselves (fixed kernels, tables, constants):
 * a literal, or a copy of `length` >= 2 bytes from `distance` >= 1 back, or a copy from the last distance, or from one of the
 * last 16: then the lower bits of lengths have states, too.
 * Literals are bit trees chosen by whether the last step was a copy and by the byte's place in its element, or
 * where elements are bytes by the three high bits of the byte before.
 */

/** Codes steps; probabilities are the same at both ends. */
export class LzModel extends LzCopies {
  private readonly itemBytes: number;

  /** `many`: how many of the last distances are known, 1 or 15. */
  constructor(coder: BitCoder, itemBytes: number, many = 1) {
    super(coder, many);
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
}
