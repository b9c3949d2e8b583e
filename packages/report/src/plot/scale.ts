import { nice as niceEnds, ticks as ticksBetween } from 'd3-array';
import { formatCompact, roundBytes } from '../format.js';

/** Maps values to pixels along one axis, and knows where its ticks are. */
export interface Scale {
  /** The pixel of a value. */
  at(value: number): number;
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  format(tick: number): string;
}

/** A scale that does not know its pixels yet: the frame gives them. */
export interface ScaleSpec {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  readonly format: (tick: number) => string;
  /** A value's place, 0 … 1 along the axis. */
  readonly place: (value: number) => number;
}

/** Options of {@link linear}. */
export interface LinearOptions {
  /** About how many ticks. Default: 5. */
  readonly ticks?: number;
  /** Only whole numbers are ticks. */
  readonly integers?: boolean;
  /** Widens the scale to its outermost ticks. Default: `true`. */
  readonly nice?: boolean;
  readonly unit?: 'percent';
}

/** Decimals that a step needs: 0.05 two, 20 none. */
function decimals(step: number): number {
  return Math.max(0, Math.min(12, Math.ceil(-Math.log10(step) - 1e-9)));
}

/** A scale whose equal distances are equal differences, with ticks at round numbers. */
export function linear(low: number, high: number, options: LinearOptions = {}): ScaleSpec {
  const { ticks: count = 5, integers = false, nice = true, unit } = options;
  // One value alone gets some room around it.
  const room = high > low ? 0 : Math.abs(low) / 10 || 0.5;
  const range = high - low + 2 * room;
  const wanted = integers ? Math.min(count, Math.max(1, Math.floor(range))) : count;
  const ends: [number, number] = [low - room, high + room];
  const [from, to] = nice ? niceEnds(...ends, wanted) : ends;
  const ticks = ticksBetween(from, to, wanted).filter((tick) => !integers || Number.isInteger(tick));
  const step = ticks.length > 1 ? Number((ticks[1] - ticks[0]).toPrecision(2)) : range;
  const percent = unit === 'percent';
  const digits = decimals(percent ? step * 100 : step);
  const format = (tick: number): string => {
    if (percent) return `${(tick * 100).toFixed(digits)} %`;
    return step >= 1000 ? formatCompact(tick) : minus(tick.toFixed(digits));
  };
  return { from, to, ticks, format, place: (value) => (value - from) / (to - from) };
}

/** Options of {@link log}. */
export interface LogOptions {
  readonly unit?: 'bytes';
  /** Widens the scale to powers of ten. Default: `false`. */
  readonly nice?: boolean;
}

/** A scale whose equal distances are equal ratios. Values must be positive. */
export function log(low: number, high: number, options: LogOptions = {}): ScaleSpec {
  const { unit, nice = false } = options;
  let [from, to] = high > low ? [low, high] : [low / 2, high * 2];
  if (nice) [from, to] = [10 ** Math.floor(Math.log10(from) + 1e-9), 10 ** Math.ceil(Math.log10(to) - 1e-9)];
  const decades = Math.log10(to / from);
  // Over few decades the powers of ten are too far apart, over many too near.
  const digits = decades < 1 ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : decades < 2.5 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / 7));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to) + 1e-9; power += every) {
    for (const digit of digits) {
      const tick = digit * 10 ** power;
      if (tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9)) ticks.push(tick);
    }
  }
  const span = Math.log(to / from);
  const format = (tick: number): string => {
    if (unit === 'bytes') return tick < 1000 ? `${formatCompact(tick)} B` : roundBytes(tick);
    return tick < 0.00099 ? minus(Number(tick.toPrecision(1)).toExponential()) : formatCompact(tick);
  };
  return { from, to, ticks, format, place: (value) => Math.log(value / from) / span };
}

/** Named rows, from the top: the place of row i is its middle. */
export function band(names: readonly string[]): ScaleSpec {
  return {
    from: 0,
    to: names.length,
    ticks: names.map((_, i) => i),
    format: (tick) => names[tick],
    place: (value) => 1 - (value + 0.5) / Math.max(1, names.length),
  };
}

/** Named columns, from the left: the place of column i is its middle. */
export function columns(names: readonly string[]): ScaleSpec {
  return { ...band(names), place: (value) => (value + 0.5) / Math.max(1, names.length) };
}

/** A scale turned round: rows of a matrix, the first one on top. */
export function reversed(scale: ScaleSpec): ScaleSpec {
  return { ...scale, place: (value) => 1 - scale.place(value) };
}

/** A typographic minus sign. */
function minus(text: string): string {
  return text.replace('-', '−');
}

/** Gives a scale its pixels: `start` for `from`, `end` for `to`. */
export function fit(spec: ScaleSpec, start: number, end: number): Scale {
  return { ...spec, at: (value) => start + spec.place(value) * (end - start) };
}
