import {
  allocateLevels,
  DELTA,
  DENSITY,
  type LevelGrid,
  type Levels,
  lineStart,
  lineStride,
  makeState,
  rowSize,
} from './level-coding.js';
import { RANGE, squash, stretch } from './logistic.js';
import { MixedTail } from './mixed-tail.js';
import type { RangeDecoder } from './range-decoder.js';

const INPUTS = 7;
/** The constant input, in 1/256: two nats. */
const BIAS = 512;

/**
 * Decodes a tile of `ctx-mix`, see `codeMix` for the model: the same steps, with the range decoder's state in
 * local variables. `after` gets each row.
 */
export function decodeMix(
  coder: RangeDecoder,
  grid: LevelGrid,
  after: (row: number, levels: Levels) => void,
): void {
  const { rows, lines, width, tuning } = grid;
  const start = squash[RANGE + ((tuning & 255) - 128) * 16];
  const rate = 16 + ((tuning >> 8) & 3);
  const half = 1 << (rate - 1);
  const stretches = stretch;
  const squashes = squash;
  const delta = DELTA;
  const buckets = DENSITY;
  const near = new Int32Array(512).fill(makeState(start, 2));
  const around = new Int32Array(144).fill(makeState(start, 2));
  const signs = new Int32Array(81).fill(makeState(start, 2));
  const column = new Int32Array(lines * width).fill(makeState(start, 8));
  const slice = new Int32Array(width);
  const weights = new Int32Array(5 * INPUTS).fill(13000);
  const tail = new MixedTail(grid);
  const stride = lineStride(grid);
  let current = allocateLevels(grid, rowSize(grid));
  let previous = allocateLevels(grid, rowSize(grid));
  const bytes = coder.bytes;
  let { position, range, value } = coder;

  for (let r = 0; r < rows; r++) {
    slice.fill(makeState(start, 8));
    let rowState = makeState(start, 8);
    tail.startRow();
    let at = 0;
    for (let line = 0; line < lines; line++) {
      let i = lineStart(grid, line);
      let west = 0;
      let west2 = 0;
      let north = 0;
      let northEast = current[i - stride];
      for (let x = 0; x < width; x++, i++, at++) {
        const northWest = north;
        north = northEast;
        northEast = current[i - stride + 1];
        const before = previous[i];
        const w = west ? 1 : 0;
        const n = north ? 1 : 0;
        const e = northEast ? 1 : 0;
        const b = before ? 1 : 0;
        const m = northWest ? 1 : 0;
        const s4 = column[at];
        const c1 = (buckets[s4 >>> 20] << 5) | w | (n << 1) | (b << 2) | (e << 3) | (m << 4);
        const count = 2 * (w + n) + e + m + (west2 ? 1 : 0) + (current[i - 2 * stride] ? 1 : 0);
        const c2 = (count << 4) | buckets[rowState >>> 20];
        const c3 =
          (w ? (west >> 31) | 1 : 0) * 27 +
          (n ? (north >> 31) | 1 : 0) * 9 +
          (b ? (before >> 31) | 1 : 0) * 3 +
          (e ? (northEast >> 31) | 1 : 0) +
          40;
        const s1 = near[c1];
        const s2 = around[c2];
        const s3 = signs[c3];
        const s5 = slice[x];
        const x1 = stretches[s1 >>> 20];
        const x2 = stretches[s2 >>> 20];
        const x3 = stretches[s3 >>> 20];
        const x4 = stretches[s4 >>> 20];
        const x5 = stretches[s5 >>> 20];
        const x6 = stretches[rowState >>> 20];
        const set = (w + n + b + e) * INPUTS;
        let dot =
          (Math.imul(weights[set], x1) +
            Math.imul(weights[set + 1], x2) +
            Math.imul(weights[set + 2], x3) +
            Math.imul(weights[set + 3], x4) +
            Math.imul(weights[set + 4], x5) +
            Math.imul(weights[set + 5], x6) +
            Math.imul(weights[set + 6], BIAS)) >>
          16;
        if (dot > RANGE) dot = RANGE;
        else if (dot < -RANGE) dot = -RANGE;
        const p = squashes[RANGE + dot];

        const bound = Math.imul(range >>> 15, p) >>> 1;
        let bit = 1;
        if (value >= bound) {
          value -= bound;
          range -= bound;
          bit = 0;
        } else {
          range = bound;
        }
        while (range < 0x800000) {
          range <<= 8;
          value = (value << 8) | bytes[position++];
        }

        const error = (bit << 16) - p;
        weights[set] += (Math.imul(error, x1) + half) >> rate;
        weights[set + 1] += (Math.imul(error, x2) + half) >> rate;
        weights[set + 2] += (Math.imul(error, x3) + half) >> rate;
        weights[set + 3] += (Math.imul(error, x4) + half) >> rate;
        weights[set + 4] += (Math.imul(error, x5) + half) >> rate;
        weights[set + 5] += (Math.imul(error, x6) + half) >> rate;
        weights[set + 6] += (Math.imul(error, BIAS) + half) >> rate;
        const target = bit ? 524287 : 0;
        near[c1] =
          s1 + (Math.imul(target - (s1 >>> 13), delta[s1 & 1023]) & -1024) + ((s1 & 1023) < 1022 ? 1 : 0);
        around[c2] =
          s2 + (Math.imul(target - (s2 >>> 13), delta[s2 & 1023]) & -1024) + ((s2 & 1023) < 1022 ? 1 : 0);
        signs[c3] =
          s3 + (Math.imul(target - (s3 >>> 13), delta[s3 & 1023]) & -1024) + ((s3 & 1023) < 1022 ? 1 : 0);
        column[at] =
          s4 + (Math.imul(target - (s4 >>> 13), delta[s4 & 1023]) & -1024) + ((s4 & 1023) < 1022 ? 1 : 0);
        slice[x] =
          s5 + (Math.imul(target - (s5 >>> 13), delta[s5 & 1023]) & -1024) + ((s5 & 1023) < 1022 ? 1 : 0);
        rowState =
          (rowState +
            (Math.imul(target - (rowState >>> 13), delta[rowState & 1023]) & -1024) +
            ((rowState & 1023) < 1022 ? 1 : 0)) |
          0;

        if (bit === 0) {
          west2 = west;
          west = 0;
          current[i] = 0;
        } else {
          coder.position = position;
          coder.range = range;
          coder.value = value;
          west2 = west;
          west = tail.code(coder, current, i, stride, before, at);
          current[i] = west;
          ({ position, range, value } = coder);
        }
      }
    }
    coder.position = position;
    coder.check();
    after(r, current);
    const swap = previous;
    previous = current;
    current = swap;
  }
  coder.range = range;
  coder.value = value;
}
