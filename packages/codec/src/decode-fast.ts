import { codeGolomb, freshStates } from './adaptive.js';
import { broken } from './errors.js';
import {
  type LevelGrid,
  type LevelSink,
  lineStart,
  lineStride,
  MAX_PREFIX,
  makeState,
  rowSize,
} from './level-coding.js';
import { initial } from './logistic.js';
import type { RangeDecoder } from './range-decoder.js';
import { learn, makeTables } from './tables.js';

/**
 * Decodes a tile of `ctx-fast`, see `codeFast` for the model: the same steps, with the range decoder's state
 * in local variables. Levels that are not 0 go to `sink`.
 *
 * Each position has a cell: which of its neighbours are not 0 (5 bits), the sum that their signs make (7 bits), and
 * its density (16 bits). A level that is not 0 tells the cells that will look at it; a zero has nothing to do.
 */
export function decodeFast(coder: RangeDecoder, grid: LevelGrid, sink: LevelSink): void {
  // Constants of a module are read from memory, with a check: those of the inner loop are repeated here.
  const TO_ZERO = 128; // TARGET0
  const TO_ONE = 524159; // TARGET1
  const REST = 1280; // of a cell: no neighbours; the signs' sum, 40, is at bit 5
  const NEAR = 13473; // OWN
  const SIGNS = 13985;
  const LARGER = 14066;
  const CELLS = 14081;
  // `| 0` here and below tells engines that these are 32-bit integers, which properties may not be.
  const lines = grid.lines | 0;
  const width = grid.width | 0;
  const negative = grid.negative | 0;
  const positive = grid.positive | 0;
  const start = initial(grid.tuning);
  const stride = lineStride(grid) | 0;
  const m = makeTables(CELLS - NEAR + rowSize(grid), (start << 12) | REST);
  // In the place of the stretches, which are not used here: where the contexts of a density begin.
  for (let i = 0; i < 4096; i++) m[i] = NEAR + (m[9377 + i] << 5);
  m.fill(makeState(start, 2), NEAR, SIGNS);
  m.fill(makeState(32768, 0), SIGNS, CELLS);
  const rest = freshStates(MAX_PREFIX + 1);
  const [target, book, rowOffsets, lineOffsets, widthOffsets] = sink;
  const { bytes, state: saved } = coder;
  let [position, range, value] = saved;

  for (let r = 0; r < grid.rows; r++) {
    for (let line = 0; line < lines; line++) {
      const first = (CELLS + lineStart(grid, line)) | 0;
      const stop = (first + width) | 0;
      const base = rowOffsets[r] + lineOffsets[line];
      let i = first;
      while (i < stop) {
        let bound = 0;
        let context = 0;
        let state = 0;
        let cell = 0;
        // Runs of zeros, in a loop without calls and without another one.
        while (true) {
          cell = m[i];
          context = (m[cell >> 16] + (cell & 31)) | 0;
          state = m[context];
          bound = Math.imul(range >>> 15, state >>> 16) >>> 1;
          if (value < bound) break;
          value = (value - bound) | 0;
          range = (range - bound) | 0;
          learn(m, context, state, TO_ZERO);
          m[i] = ((cell - ((cell >> 6) & -4096)) & -4096) + REST;
          i = (i + 1) | 0;
          if (range < 0x800000 || i >= stop) {
            bound = 0;
            break;
          }
        }
        if (bound !== 0) range = bound;
        while (range < 0x800000) {
          range <<= 8;
          value = (value << 8) | bytes[position++];
        }
        if (bound === 0) continue;
        learn(m, context, state, TO_ONE);
        let minus = positive === 0 ? 1 : 0;
        let k = 1;
        let flags = Math.min(minus ? negative : positive, 15);
        context = LARGER;
        if (positive !== 0 && negative !== 0) {
          context = SIGNS + ((cell >> 5) & 127);
          k = 0;
        }
        // The sign, then "larger than k?".
        while (k < flags) {
          state = m[context];
          bound = Math.imul(range >>> 15, state >>> 16) >>> 1;
          let goal = TO_ONE;
          if (value >= bound) {
            value -= bound;
            bound = range - bound;
            goal = TO_ZERO;
          }
          range = bound;
          learn(m, context, state, goal);
          while (range < 0x800000) {
            range <<= 8;
            value = (value << 8) | bytes[position++];
          }
          if (k === 0) {
            if (goal !== TO_ZERO) {
              minus = 1;
              flags = Math.min(negative, 15);
            }
          } else if (goal === TO_ZERO) break;
          context = LARGER + k++;
        }
        const top = minus ? negative : positive;
        if (k > 14 && top > 15) {
          saved[0] = position;
          saved[1] = range;
          saved[2] = value;
          k = (14 + codeGolomb(coder, rest, 0, 0)) | 0;
          position = saved[0];
          range = saved[1];
          value = saved[2];
          if (k > top) broken(55); // a level is too large
        }
        const sign = minus ? -32 : 32;
        m[i] = (((cell >> 12) + ((65535 - (cell >> 12)) >> 6)) << 12) + REST + 4 + 3 * sign;
        m[i + 1] += 1 + 27 * sign;
        m[i + stride - 1] += 8 + sign;
        m[i + stride] += 2 + 9 * sign;
        m[i + stride + 1] += 16;
        target[base + widthOffsets[i - first]] = book[(minus ? -k : k) + negative];
        i = (i + 1) | 0;
      }
    }
    saved[0] = position;
    coder.check();
  }
}
