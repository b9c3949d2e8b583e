/** Stands around what JSON has no word for, until the text is made. */
const mark = '\u0000';
const marked = /"\\u0000(.*?)\\u0000"/g;

/** What JSON would drop or take for null, in words. */
function named(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return mark + value + mark;
  if (typeof value === 'bigint') return `${mark}${value}n${mark}`;
  if (typeof value === 'function') return `${mark}a function${mark}`;
  return value === undefined ? `${mark}undefined${mark}` : value;
}

/**
 * A value of whatever kind as a message shows it: JSON, but for what JSON has no word for (infinities are not `null`), cut off
 * where it grows long.
 *
 * @param most - Characters, of which the last one says that there is more.
 *
 * @example
 * ```ts
 * import { shown } from '@espalier/core';
 * if (shown({ a: [1e999, 'b'] }) !== '{"a":[Infinity,"b"]}') throw new Error(shown({ a: [1e999, 'b'] }));
 * ```
 */
export function shown(value: unknown, most = 60): string {
  let text: string;
  try {
    text = JSON.stringify(value, (_, one: unknown) => named(one)).replace(marked, '$1');
  } catch {
    // It lies in itself.
    text = String(value);
  }
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
