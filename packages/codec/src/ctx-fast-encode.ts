import { FAST_CONTEXTS, FAST_SIGNIFICANCE } from './ctx-fast.js';
import { COUNT_LIMITS, DELTA, type LevelGrid, type Levels, lineStride, UNARY } from './level-coding.js';
import { RangeEncoder } from './range-encoder.js';

const SIGN = FAST_SIGNIFICANCE;
const LARGER: number = SIGN + 9;
const PREFIX: number = LARGER + UNARY;

/** Counterpart of `decodeFast`; `rowAt` gives the bordered levels of a row, in a fresh or kept array. */
export function encodeFast(grid: LevelGrid, rowAt: (row: number) => Levels): Uint8Array {
  const { rows, lines, width, negative, positive } = grid;
  const limit = COUNT_LIMITS[grid.tuning & 7];
  const states = new Int32Array(FAST_CONTEXTS).fill(-(2 ** 31));
  const stride = lineStride(grid);
  const coder = new RangeEncoder();
  let previous: Levels | undefined;
  const bit = (context: number, value: number): void => {
    const state = states[context];
    coder.bit(value, (state >>> 16) | 1);
    const count = state & 1023;
    const target = (value ? 524287 : 0) - (state >>> 13);
    states[context] = (state + (Math.imul(target, DELTA[count]) & -1024) + (count < limit ? 1 : 0)) | 0;
  };
  let density: Uint16Array | undefined;
  for (let row = 0; row < rows; row++) {
    const current = rowAt(row);
    density ??= new Uint16Array(current.length);
    previous ??= current.slice().fill(0);
    for (let line = 0; line < lines; line++) {
      let i = (line + 1) * stride + 2;
      for (const stop = i + width; i < stop; i++) {
        const d = density[i];
        const context =
          (current[i - 1] ? 1 : 0) +
          (current[i - 2] ? 2 : 0) +
          (current[i - stride] ? 4 : 0) +
          (current[i - stride + 1] ? 8 : 0) +
          (previous[i] ? 16 : 0) +
          ((32 - Math.clz32(d >>> 4)) << 5);
        const level = current[i];
        bit(context, level ? 1 : 0);
        if (level === 0) {
          density[i] = d - (d >>> 5);
          continue;
        }
        density[i] = d + ((65535 - d) >>> 5);
        const minus = level < 0 ? 1 : 0;
        if (positive !== 0 && negative !== 0) {
          bit(SIGN + Math.sign(current[i - 1]) * 3 + Math.sign(previous[i]) + 4, minus);
        }
        const top = minus ? negative : positive;
        const magnitude = Math.abs(level);
        for (let k = 1; k < top && k <= UNARY; k++) {
          bit(LARGER + k - 1, magnitude > k ? 1 : 0);
          if (magnitude <= k) break;
        }
        if (magnitude > UNARY && top > UNARY + 1) {
          const rest = magnitude - UNARY;
          const prefix = 31 - Math.clz32(rest);
          for (let k = 0; k < prefix; k++) bit(PREFIX + k, 1);
          bit(PREFIX + prefix, 0);
          for (let k = prefix - 1; k >= 0; k--) coder.bit((rest >> k) & 1, 32768);
        }
      }
    }
    previous = current;
  }
  return coder.finish();
}
