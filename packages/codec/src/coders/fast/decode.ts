import { MAX_PREFIX } from '../../numbers.js';
import { codeMagnitude, codeState } from '../levels/magnitude.js';
import { type LevelGrid, type LevelSink, lineStart, lineStride, rowSize } from '../levels/rows.js';
import { learn, makeTables } from '../levels/tables.js';
import { freshStates } from '../range/adaptive.js';
import type { RangeDecoder } from '../range/decoder.js';
import { initial } from '../range/logistic.js';
import { makeState } from '../range/state.js';

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
  const BUCKET = 9377;
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
          context = (NEAR + (m[BUCKET + (cell >> 16)] << 5) + (cell & 31)) | 0;
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
        saved[0] = position;
        saved[1] = range;
        saved[2] = value;
        let minus = positive === 0 ? 1 : 0;
        if (positive !== 0 && negative !== 0) minus = codeState(coder, m, SIGNS + ((cell >> 5) & 127), 0);
        const k = codeMagnitude(coder, m, LARGER - 1, rest, minus ? negative : positive, 0) | 0;
        position = saved[0];
        range = saved[1];
        value = saved[2];
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
    saved.set([position, range, value]);
    coder.check();
  }
}
