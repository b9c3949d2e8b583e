import { MAX_PREFIX } from '../../numbers.js';
import { type LevelGrid, type LevelSink, lineStart, lineStride, rowSize } from '../levels/rows.js';
import { learn, makeTables } from '../levels/tables.js';
import { freshStates } from '../range/adaptive.js';
import type { RangeDecoder } from '../range/decoder.js';
import { initial } from '../range/logistic.js';
import { makeState } from '../range/state.js';
import { codeTail } from './tail.js';

/**
 * Decodes a tile of `ctx-mix`, see `codeMix` for the model: the same steps, with the range decoder's state in
 * local variables. Levels that are not 0 go to `sink`.
 *
 * Each position has a cell: which of its neighbours are not 0 (7 bits), and the sum that the signs of four of them
 * make. A level that is not 0 tells the cells that will look at it; a zero has nothing to do.
 */
export function decodeMix(coder: RangeDecoder, grid: LevelGrid, sink: LevelSink): void {
  // Constants of a module are read from memory, with a check: those of the inner loop are repeated here.
  const LIMIT = 2128; // RANGE
  const TO_ZERO = 128; // TARGET0
  const TO_ONE = 524159; // TARGET1
  const BIAS = 512;
  const WEIGHT = 13000;
  const ROUND = 262144;
  const REST = 10240; // of a cell: no neighbours; the signs' sum, 40, is at bit 8
  // Tables, states and cells in one array; the first ones are those of `makeTables`.
  const SQUASH = 4096;
  const DELTAS = 8353;
  const BUCKET = 9377;
  const NEAR = 13473; // OWN
  const AROUND = 13985;
  const SIGNS = 14241;
  const WEIGHTS = 14322;
  const QUIET = 14357;
  const COUNT = 14362;
  const TAIL = 14490;
  const COLUMN = 14721; // TAIL + TAIL_SIZE
  // `| 0` here and below tells engines that these are 32-bit integers, which properties may not be.
  const lines = grid.lines | 0;
  const width = grid.width | 0;
  const negative = grid.negative | 0;
  const start = initial(grid.tuning);
  const gain = 3 - ((grid.tuning >> 8) & 3);
  const size = rowSize(grid) | 0;
  const cells = (COLUMN + size) | 0;
  const slice = (cells + size) | 0;
  const at = (slice + width) | 0;
  const m = makeTables(at - NEAR + lines * width, makeState(32768, 0));
  m.fill(makeState(start, 2), NEAR, WEIGHTS);
  m.fill(WEIGHT, WEIGHTS, COUNT);
  // How many neighbours there are, weighted, and which weights are for them: 16 for each of these, 7 times.
  m[COUNT] = 0;
  for (let f = 1; f < 128; f++) {
    m[COUNT + f] = m[COUNT + (f & (f - 1))] + [114, 114, 112, 113, 1, 1, 1][31 - Math.clz32(f & -f)];
  }
  m.fill(start << 16, COLUMN, cells);
  m.fill(REST, cells, slice);
  m.fill(26000, TAIL, TAIL + 3);
  const rest = freshStates(MAX_PREFIX + 1);
  const stride = lineStride(grid) | 0;
  const [target, book, rowOffsets, lineOffsets, widthOffsets] = sink;
  let current = new Int32Array(size);
  let previous = new Int32Array(size);
  const { bytes, state: saved } = coder;
  let [position, range, value] = saved;

  for (let r = 0; r < grid.rows; r++) {
    m.fill(start << 16, slice, at);
    let rowState = start << 16;
    let rowAt = DELTAS + 8;
    const columnRate = m[DELTAS + Math.min(r + 8, 1022)];
    current.fill(0);
    for (let line = 0; line < lines; line++) {
      const sliceRate = m[DELTAS + Math.min(line + 8, 1022)];
      const first = (COLUMN + lineStart(grid, line)) | 0;
      const stop = (first + width) | 0;
      const toSlice = (slice - first) | 0;
      const base = rowOffsets[r] + lineOffsets[line];
      let i = first;
      while (i < stop) {
        let goal = TO_ZERO;
        // Runs of zeros, in a loop without calls and without another one.
        while (true) {
          const cell = m[(i + size) | 0];
          const s4 = m[i];
          const s5 = m[(i + toSlice) | 0];
          const x4 = m[s4 >>> 20];
          const x5 = m[s5 >>> 20];
          const x6 = m[rowState >>> 20];
          let c1 = (NEAR + (m[BUCKET + (s4 >>> 20)] << 5)) | 0;
          let set = QUIET;
          let c2 = 0;
          let c3 = 0;
          let s2 = 0;
          let s3 = 0;
          let x2 = 0;
          let x3 = 0;
          let dot = 0;
          // Nothing near: most weights of a sparse tensor take a shorter way.
          if (cell !== REST) {
            m[(i + size) | 0] = REST;
            const about = m[COUNT + (cell & 127)];
            c1 = (c1 + (cell & 31)) | 0;
            c2 = (AROUND + (m[BUCKET + (rowState >>> 20)] << 4) + (about & 15)) | 0;
            c3 = (SIGNS + (cell >> 8)) | 0;
            set = (WEIGHTS + (about >> 4)) | 0;
            s2 = m[c2];
            s3 = m[c3];
            x2 = m[s2 >>> 20];
            x3 = m[s3 >>> 20];
            dot = (Math.imul(m[set + 5], x2) + Math.imul(m[set + 6], x3)) | 0;
          }
          const s1 = m[c1];
          const x1 = m[s1 >>> 20];
          const w1 = m[set];
          const w4 = m[set + 1];
          const w5 = m[set + 2];
          const w6 = m[set + 3];
          const w7 = m[set + 4];
          dot =
            (dot +
              Math.imul(w1, x1) +
              Math.imul(w4, x4) +
              Math.imul(w5, x5) +
              Math.imul(w6, x6) +
              Math.imul(w7, BIAS)) >>
            16;
          const p = m[SQUASH + LIMIT + Math.max(-LIMIT, Math.min(LIMIT, dot))];
          const bound = Math.imul(range >>> 15, p) >>> 1;
          let error = -p << gain;
          if (value >= bound) {
            value = (value - bound) | 0;
            range = (range - bound) | 0;
          } else {
            range = bound;
            goal = TO_ONE;
            error = (65536 - p) << gain;
          }
          m[set] = w1 + ((Math.imul(error, x1) + ROUND) >> 19);
          m[set + 1] = w4 + ((Math.imul(error, x4) + ROUND) >> 19);
          m[set + 2] = w5 + ((Math.imul(error, x5) + ROUND) >> 19);
          m[set + 3] = w6 + ((Math.imul(error, x6) + ROUND) >> 19);
          m[set + 4] = w7 + ((Math.imul(error, BIAS) + ROUND) >> 19);
          learn(m, c1, s1, goal);
          if (c2 !== 0) {
            m[set + 5] += (Math.imul(error, x2) + ROUND) >> 19;
            m[set + 6] += (Math.imul(error, x3) + ROUND) >> 19;
            learn(m, c2, s2, goal);
            learn(m, c3, s3, goal);
          }
          m[i] = s4 + Math.imul(goal - (s4 >>> 13), columnRate);
          m[(i + toSlice) | 0] = s5 + Math.imul(goal - (s5 >>> 13), sliceRate);
          rowState = (rowState + Math.imul(goal - (rowState >>> 13), m[rowAt])) | 0;
          rowAt = (rowAt + ((rowAt - 9375) >>> 31)) | 0;
          i = (i + 1) | 0;
          if (goal !== TO_ZERO || range < 0x800000 || i >= stop) break;
        }
        while (range < 0x800000) {
          range <<= 8;
          value = (value << 8) | bytes[position++];
        }
        if (goal !== TO_ZERO) {
          saved[0] = position;
          saved[1] = range;
          saved[2] = value;
          const x = (i - 1 - first) | 0;
          const level =
            codeTail(coder, m, TAIL, grid, rest, current, i - 1 - COLUMN, previous, at + line * width + x) |
            0;
          current[i - 1 - COLUMN] = level;
          target[base + widthOffsets[x]] = book[level + negative];
          position = saved[0];
          range = saved[1];
          value = saved[2];
          const sign = (level >> 31) | 1;
          const cell = (i + size - 1) | 0;
          m[cell] += 4 + 768 * sign;
          m[cell + 1] += 1 + 6912 * sign;
          m[cell + 2] += 32;
          m[cell + stride - 1] += 8 + 256 * sign;
          m[cell + stride] += 2 + 2304 * sign;
          m[cell + stride + 1] += 16;
          m[cell + 2 * stride] += 64;
        }
      }
    }
    saved.set([position, range, value]);
    coder.check();
    const swap = previous;
    previous = current;
    current = swap;
  }
}
