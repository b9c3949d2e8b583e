import { AGAIN, DISTANCES, LENGTHS, TREES } from '../../numbers.js';
import { codeGolomb, codeTree, freshStates } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';

/** What of `LzModel` a decoder needs, which reads literals by itself. */
export class LzCopies {
  readonly states: Int32Array = freshStates(TREES + 8192);
  /** Whether the last step was a copy. */
  copied = 0;
  protected readonly coder: BitCoder;
  /** The last distances, newest first. */
  readonly recent: number[];

  /** `many`: how many of the last distances are known, 1 or 15. */
  constructor(coder: BitCoder, many = 1) {
    this.coder = coder;
    // What nothing is as far from.
    this.recent = Array(many).fill(Infinity);
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
