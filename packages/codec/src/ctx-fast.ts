import { fail } from './errors.js';
import {
  allocateLevels,
  COUNT_LIMITS,
  DELTA,
  type LevelGrid,
  type Levels,
  lineStride,
  MAX_PREFIX,
  rowSize,
  UNARY,
} from './level-coding.js';
import { checkEnd } from './range-decoder.js';

/*
 * One adaptive probability per bin. A state is a 22-bit probability and a 10-bit count; it moves by
 * 1 / (count + 1.5). Contexts of "not zero": five neighbours and the density of the column so far.
 */

export const FAST_SIGNIFICANCE = 512;
const SIGN = FAST_SIGNIFICANCE;
const LARGER: number = SIGN + 9;
const PREFIX: number = LARGER + UNARY;
export const FAST_CONTEXTS: number = PREFIX + MAX_PREFIX + 1;

/** Decodes a tile; `emit` is given each row, bordered, as it is ready. */
export function decodeFast(
  source: Uint8Array,
  start: number,
  end: number,
  grid: LevelGrid,
  emit: (row: number, levels: Levels) => void,
): void {
  const { rows, lines, width, negative, positive } = grid;
  // A copy with zeros behind it: reads past the end need no test, and are counted afterwards.
  const bytes = new Uint8Array(end - start + 8);
  bytes.set(source.subarray(start, end));
  const limit = COUNT_LIMITS[grid.tuning & 7];
  const states = new Int32Array(FAST_CONTEXTS).fill(-(2 ** 31));
  const stride = lineStride(grid);
  let current = allocateLevels(grid, rowSize(grid));
  let previous = allocateLevels(grid, rowSize(grid));
  const density = new Uint16Array(rowSize(grid));
  let position = 4;
  let range = 0x7fffffff;
  let code = (bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
  if (code < 0) fail('payload', 'a payload starts with an impossible byte');

  const bit = (context: number): number => {
    const state = states[context];
    const bound = Math.imul(range >>> 15, (state >>> 16) | 1) >>> 1;
    let target = -(state >>> 13);
    let result = 0;
    if (code < bound) {
      range = bound;
      target += 524287;
      result = 1;
    } else {
      code -= bound;
      range -= bound;
    }
    const count = state & 1023;
    states[context] = (state + (Math.imul(target, DELTA[count]) & -1024) + (count < limit ? 1 : 0)) | 0;
    while (range < 0x800000) {
      range <<= 8;
      code = (code << 8) | bytes[position++];
    }
    return result;
  };

  for (let row = 0; row < rows; row++) {
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
        if (bit(context) === 0) {
          current[i] = 0;
          density[i] = d - (d >>> 5);
          continue;
        }
        density[i] = d + ((65535 - d) >>> 5);
        let minus = positive === 0 ? 1 : 0;
        if (positive !== 0 && negative !== 0) {
          minus = bit(SIGN + Math.sign(current[i - 1]) * 3 + Math.sign(previous[i]) + 4);
        }
        const top = minus ? negative : positive;
        let magnitude = 1;
        while (magnitude < top && magnitude <= UNARY && bit(LARGER + magnitude - 1)) magnitude++;
        if (magnitude > UNARY && top > UNARY + 1) {
          let prefix = 0;
          while (bit(PREFIX + prefix)) {
            if (++prefix > MAX_PREFIX) fail('payload', 'a level is too large');
          }
          let rest = 1;
          for (let k = 0; k < prefix; k++) {
            const bound = range >>> 1;
            rest <<= 1;
            if (code < bound) {
              range = bound;
              rest |= 1;
            } else {
              code -= bound;
              range -= bound;
            }
            while (range < 0x800000) {
              range <<= 8;
              code = (code << 8) | bytes[position++];
            }
          }
          magnitude += rest - 1;
          if (magnitude > top) fail('payload', 'a level is too large');
        }
        current[i] = minus ? -magnitude : magnitude;
      }
    }
    if (position > bytes.length) fail('payload', 'a payload ends too early');
    emit(row, current);
    const swap = previous;
    previous = current;
    current = swap;
  }
  checkEnd(source, start, end, start + position);
}
