import { fail } from '../../errors.js';
import { MAX_PREFIX, UNARY } from '../../numbers.js';
import { type LevelGrid, type Levels, lineStart, lineStride, rowSize } from '../levels/rows.js';
import { codeGolomb, freshStates } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';
import { DELTA, DENSITY, initial } from '../range/logistic.js';
import { makeState, nextState, TARGET0, TARGET1 } from '../range/state.js';

/*
 * One adaptive probability per bin. Contexts of "not zero": five neighbours and the density of the position
 * so far; of the sign: the signs to the left, above, above to the right and in the previous row; of the magnitude: none.
 */

/** Codes a tile. Tuning: bits 0-7 the initial stretch, in 1/16 + 128. */
export function codeFast(
  coder: BitCoder,
  grid: LevelGrid,
  before: (row: number, levels: Levels) => void,
): void {
  const { rows, lines, width, negative, positive, tuning } = grid;
  const start = initial(tuning);
  const near = new Int32Array(512).fill(makeState(start, 2));
  const signs = new Int32Array(81).fill(makeState(32768, 0));
  const larger = new Int32Array(UNARY + 1).fill(makeState(32768, 0));
  const rest = freshStates(MAX_PREFIX + 1);
  const density = new Uint16Array(lines * width).fill(start);
  const stride = lineStride(grid);
  let current = new Int32Array(rowSize(grid));
  let previous = new Int32Array(rowSize(grid));

  for (let r = 0; r < rows; r++) {
    before(r, current);
    let at = 0;
    for (let line = 0; line < lines; line++) {
      let i = lineStart(grid, line);
      for (const stop = i + width; i < stop; i++, at++) {
        const d = density[at];
        const context =
          (DENSITY[d >> 4] << 5) |
          (current[i - 1] ? 1 : 0) |
          (current[i - stride] ? 2 : 0) |
          (previous[i] ? 4 : 0) |
          (current[i - stride + 1] ? 8 : 0) |
          (current[i - stride - 1] ? 16 : 0);
        const known = current[i];
        const state = near[context];
        const bit = coder.code(state >>> 16, known ? 1 : 0);
        const count = state & 1023;
        near[context] =
          state +
          (Math.imul((bit ? TARGET1 : TARGET0) - (state >>> 13), DELTA[count]) & -1024) +
          (count < 1022 ? 1 : 0);
        if (bit === 0) {
          density[at] = d - (d >> 6);
          continue;
        }
        density[at] = d + ((65535 - d) >> 6);
        let minus = positive === 0 ? 1 : 0;
        if (positive !== 0 && negative !== 0) {
          const c =
            Math.sign(current[i - 1]) * 27 +
            Math.sign(current[i - stride]) * 9 +
            Math.sign(previous[i]) * 3 +
            Math.sign(current[i - stride + 1]) +
            40;
          const s = signs[c];
          minus = coder.code(s >>> 16, known < 0 ? 1 : 0);
          signs[c] = nextState(s, minus);
        }
        const top = minus ? negative : positive;
        const magnitude = Math.abs(known);
        let k = 1;
        while (k < top && k <= UNARY) {
          const s = larger[k];
          const more = coder.code(s >>> 16, magnitude > k ? 1 : 0);
          larger[k] = nextState(s, more);
          if (!more) break;
          k++;
        }
        if (k > UNARY && top > UNARY + 1) {
          k = UNARY + codeGolomb(coder, rest, 0, magnitude - UNARY);
          if (k > top) fail('payload', 'a level is too large');
        }
      }
    }
    const swap = previous;
    previous = current;
    current = swap;
  }
}
