import { visible } from './visible.js';

/** One cell of {@link formatTable}. */
export type Cell = string | number;

/** Options of {@link formatTable}. */
export interface TableOptions {
  /** Per column `l` or `r`, e.g. `'lrr'`. Default: columns that hold nothing but numbers and units are `r`. */
  readonly align?: string;
  /** Put before every line. Default: none. */
  readonly indent?: string;
}

const NUMERIC = /^[+±−-]?[\d.,]+( ?\S{1,3})?( [\d.]+ \S{1,3})?$|^—$|^$/;

const printable = (cell: Cell): string => visible(String(cell), { oneLine: true });

/**
 * A table for a terminal, in plain text. The first row is the heading and is underlined.
 *
 * @example
 * ```ts
 * import { formatTable } from '@espalier/report';
 * const text = formatTable([['tensor', 'bytes'], ['dense/kernel', 9120], ['dense/bias', 40]]);
 * if (text.split('\n')[3] !== 'dense/bias       40') throw new Error(text);
 * ```
 */
export function formatTable(rows: readonly (readonly Cell[])[], options: TableOptions = {}): string {
  const { align = '', indent = '' } = options;
  const cells = rows.map((row) => row.map(printable));
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const width = Array.from({ length: columns }, (_, c) =>
    Math.max(...cells.map((row) => [...(row[c] ?? '')].length)),
  );
  const right = Array.from({ length: columns }, (_, c) =>
    align[c] === undefined ? cells.slice(1).every((row) => NUMERIC.test(row[c] ?? '')) : align[c] === 'r',
  );
  const line = (row: readonly string[]): string => {
    const padded = width.map((size, c) => {
      const text = row[c] ?? '';
      const space = ' '.repeat(size - [...text].length);
      return right[c] ? space + text : text + space;
    });
    return `${indent}${padded.join('  ')}`.trimEnd();
  };
  const [head, ...body] = cells;
  if (head === undefined) return '';
  const rule = indent + width.map((size) => '─'.repeat(size)).join('  ');
  return [line(head), rule, ...body.map(line)].join('\n');
}
