import { visible } from './visible.js';

/** A cell of a table that a spreadsheet reads. Text that would be taken for a formula is marked as text by a `'`. */
function cell(value: string | number | null): string {
  if (typeof value !== 'string') return String(value ?? '');
  const shown = visible(value, { oneLine: true });
  const text = /^[=+\-@]/.test(shown) ? `'${shown}` : shown;
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Comma-separated values, a line per row. Names come from files that anybody may have made: control characters are made
 * visible, and no text is a formula.
 *
 * @example
 * ```ts
 * import { csv } from '@espalier/report';
 * if (csv([['name', 'bytes'], ['=1+1', 12]]) !== "name,bytes\n'=1+1,12\n") throw new Error('unexpected');
 * ```
 */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  return `${rows.map((row) => row.map(cell).join()).join('\n')}\n`;
}
