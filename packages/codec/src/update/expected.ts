import type { Expected } from '../coders/given/code.js';
import type { TensorEntry } from '../container/format.js';
import type { Book } from '../layouts/codebook/book.js';
import { predict, widen } from '../layouts/grid/formula.js';
import type { LevelsLayout } from '../layouts/levels.js';
import { type Values, valuesOf } from './values.js';

/** A tensor of levels. */
export type LevelsEntry = TensorEntry & { levels: LevelsLayout };

/**
 * The levels whose elements are nearest to older values; the lower one of two that are as near. In float64, in an order
 * that is fixed: each engine finds the same.
 */
export function expectedLevels(entry: LevelsEntry, old: Values): Expected {
  const { count } = entry;
  const { book } = entry.levels;
  const found: Expected = { levels: new Int32Array(count), sides: new Uint8Array(count).fill(7) };
  if (book.kind === 'step') onSteps(found, entry, old);
  else if (book.kind === 'list') inBook(found, bookNumbers(entry, book), book.negative, old);
  else if (entry.spec.quantization?.dtype !== 'float16') onIntegers(found, entry, old);
  return found;
}

/** The level nearest to `x` levels from level 0. */
function put({ levels, sides }: Expected, i: number, x: number, { negative, positive }: Book): void {
  // Neither NaN nor infinite.
  if (x * 0 !== 0) return;
  const level = Math.max(-negative, Math.min(positive, Math.ceil(x - 0.5)));
  levels[i] = level;
  sides[i] = sideOf(x - level);
}

/** Where between half a level below and above: 0 to 14; 15 for just on it. */
function sideOf(off: number): number {
  return off === 0 ? 15 : Math.floor(Math.max(-0.5, Math.min(0.5, off)) * 14 + 0.5) + 7;
}

function onSteps(found: Expected, { levels: { book }, spec: { shape } }: LevelsEntry, old: Values): void {
  const { numbers, scale, min } = old;
  const { base, scales = [], predictor } = book;
  const before = predictor && Float32Array.from(numbers, (n) => n * scale + min);
  const axes: [own: Int16Array, stride: number][] = [];
  let stride = 1;
  for (let axis = shape.length; axis-- > 0; stride *= shape[axis]) {
    if (scales[axis]?.length) axes.push([scales[axis], stride]);
  }
  for (let i = 0; i < numbers.length; i++) {
    let e = 0;
    for (const [own, each] of axes) e += own[Math.floor(i / each) % own.length];
    const value = numbers[i] * scale + min;
    put(found, i, (before ? value - predict(before, i, predictor) : value) / widen(base, e), book);
  }
}

function onIntegers(found: Expected, { levels: { book }, spec, itemBytes }: LevelsEntry, old: Values): void {
  const { numbers, scale, min } = old;
  const { scale: step = 1, min: least = 0 } = spec.quantization ?? {};
  const base = itemBytes === 4 ? book.base | 0 : book.base;
  // Of the same kind: as they are, for a quotient may be a little off.
  const same = scale === step && min === least;
  for (let i = 0; i < numbers.length; i++) {
    put(found, i, (same ? numbers[i] : (numbers[i] * scale + min - least) / step) - base, book);
  }
}

/** The number of each level of a list, from -negative on. */
function bookNumbers({ spec, itemBytes }: LevelsEntry, book: Book): Float64Array {
  const count = book.values.length;
  const patterns = new Uint8Array(count * itemBytes);
  const view = new DataView(patterns.buffer);
  for (let level = 0; level < count; level++) {
    const bits = book.values[level];
    if (itemBytes === 4) view.setUint32(4 * level, bits, true);
    else if (itemBytes === 2) view.setUint16(2 * level, bits, true);
    else view.setUint8(level, bits);
  }
  const { numbers, scale, min } = valuesOf({ spec, count }, patterns);
  return Float64Array.from(numbers, (n) => n * scale + min);
}

function inBook(found: Expected, book: Float64Array, negative: number, old: Values): void {
  const { numbers, scale, min } = old;
  const order = [...book.keys()].filter((i) => book[i] * 0 === 0).sort((a, b) => book[a] - book[b] || a - b);
  const top = order.length - 1;
  if (top < 0) return;
  let known = Number.NaN;
  let level = 0;
  let side = 7;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] * scale + min;
    if (value * 0 !== 0) continue;
    if (value !== known) {
      known = value;
      // The last that is not above the value, and how far it is from there to the next one.
      let below = 0;
      for (let above = top + 1; above - below > 1; ) {
        const middle = (below + above) >> 1;
        if (book[order[middle]] <= value) below = middle;
        else above = middle;
      }
      const low = book[order[below]];
      const part = below < top ? (value - low) / (book[order[below + 1]] - low) : value - low;
      const near = below < top && part > 0.5 ? below + 1 : below;
      level = order[near] - negative;
      side = sideOf(near > below ? part - 1 : part);
    }
    found.levels[i] = level;
    found.sides[i] = side;
  }
}
