/** A value that is not there. */
export const ABSENT = '—';

/** Three significant digits: `1.07`, `17.2`, `123`; whole from 100 on. */
function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/**
 * A size in SI units (1 kB = 1000 B), three digits: `812 B`, `17.2 kB`, `1.07 MB`.
 *
 * @example
 * ```ts
 * import { formatBytes } from '@espalier/report';
 * if (formatBytes(1_066_440) !== '1.07 MB' || formatBytes(812) !== '812 B') throw new Error('unexpected');
 * ```
 */
export function formatBytes(bytes: number): string {
  if (bytes < 999.5) return `${Math.round(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${threeDigits(value)} ${units[unit]}`;
}

/** A round size, for an axis: `200 kB`, `1.2 MB`. */
export function roundBytes(bytes: number): string {
  return formatBytes(bytes)
    .replace(/(\.\d*?)0+ /, '$1 ')
    .replace('. ', ' ');
}

/**
 * A whole number with thousands apart: `266,610`.
 *
 * @example
 * ```ts
 * import { formatCount, formatDuration, formatPercent, formatPoints, formatRatio, formatShape } from '@espalier/report';
 * const shown = [formatCount(266610), formatDuration(192), formatPercent(0.9835), formatPoints(0.0005), formatRatio(62.31), formatShape([5, 5])];
 * if (shown.join('; ') !== '266,610; 3 min 12 s; 98.35 %; +0.05; 62.3×; 5 × 5') throw new Error(shown.join('; '));
 * ```
 */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A short number for an axis: `950`, `20k`, `1.5M`. */
export function formatCompact(value: number): string {
  const size = Math.abs(value);
  const [unit, suffix] =
    size >= 1e9 ? [1e9, 'G'] : size >= 1e6 ? [1e6, 'M'] : size >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${Number((value / unit).toPrecision(3))}${suffix}`;
}

/** A fraction as a percentage: `98.35 %`. */
export function formatPercent(fraction: number | null | undefined, digits = 2): string {
  return fraction === null || fraction === undefined ? ABSENT : `${(fraction * 100).toFixed(digits)} %`;
}

/** A difference of two fractions in percentage points, with its sign: `+0.05`, `−1.20`, `±0.00`. */
export function formatPoints(difference: number): string {
  const text = Math.abs(difference * 100).toFixed(2);
  return `${Number(text) === 0 ? '±' : difference > 0 ? '+' : '−'}${text}`;
}

/** A ratio: `62.3×`. */
export function formatRatio(ratio: number): string {
  return `${threeDigits(ratio)}×`;
}

/** A time: `810 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How much of a time was waited, in percent. */
export function formatWait({ seconds, wait }: { readonly seconds: number; readonly wait?: number }): string {
  return wait === undefined ? ABSENT : formatPercent(seconds > 0 ? wait / seconds : 0, 1);
}

/** A shape: `5 × 5 × 1 × 20`; a scalar has none. */
export function formatShape(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join(' × ');
}

/** Three significant digits, for values of any size: `0.0412`, `−1.3`, `2.1e−7`. */
export function formatValue(value: number | null): string {
  if (value === null) return ABSENT;
  const size = Math.abs(value);
  const short = size !== 0 && (size < 1e-4 || size >= 1e6);
  const text = short ? value.toExponential(1).replace('e+', 'e') : String(Number(value.toPrecision(3)) + 0);
  return text.replaceAll('-', '−');
}

/** A relative error: a percentage with two digits that matter, or `none`. */
export function formatError(error: number): string {
  if (error === 0) return 'none';
  const percent = 100 * error;
  return percent < 0.01 ? '< 0.01 %' : `${Number(percent.toPrecision(2))} %`;
}
