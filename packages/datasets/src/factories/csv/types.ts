import { DatasetError } from '../../errors.js';
import type { Table } from './table.js';

/** What a column is. */
export type ColumnType = 'number' | 'category';

const missing = /^(|na|n\/a|nan|null|none|\?)$/i;

/** Does a cell say that nothing is known? */
export const isMissing = (cell: string): boolean => missing.test(cell);

/** The number in a cell; NaN, where there is none. */
export function numberIn(cell: string, decimal: '.' | ','): number {
  if (cell === '' || (decimal === ',' && cell.includes('.'))) return Number.NaN;
  return Number(decimal === ',' ? cell.replace(',', '.') : cell);
}

export const isNumber = (cell: string, decimal: '.' | ','): boolean =>
  Number.isFinite(numberIn(cell, decimal));

/** Are all of these numbers with decimals after a comma, or without any? */
export const haveCommas = (cells: readonly string[]): boolean =>
  cells.some((cell) => cell.includes(',')) && cells.every((cell) => /^[-+]?\d+(,\d+)?$/.test(cell));

/** Different texts of a column above which it says nothing about its rows. */
export const mostValues = 1000;

/**
 * Finds out what a column is: numbers, where all cells that are not missing are; else categories.
 *
 * @throws DatasetError `bad-file` for a text among numbers, a column without a value, or one that names each row
 */
export function typeOf(table: Table, column: number): ColumnType {
  const { file, columns, rows, places, decimal } = table;
  const name = columns[column];
  const known = rows.flatMap((row, i) =>
    isMissing(row[column]) ? [] : [{ cell: row[column], place: places[i] }],
  );
  const bad = (where: string, what: string, remedy: string): DatasetError =>
    new DatasetError('bad-file', `${where}: ${what}.`, { remedy });
  if (known.length === 0)
    throw bad(file, `the column '${name}' is empty`, `Leave it out: ignore: [${name}].`);
  const texts = known.filter(({ cell }) => !isNumber(cell, decimal));
  if (texts.length === 0) return 'number';
  if (haveCommas(known.map(({ cell }) => cell))) {
    const [{ cell, place }] = texts;
    throw bad(place, `the column '${name}' holds '${cell}'`, "Are these decimals? Say so: decimal: ','");
  }
  if (texts.length <= known.length / 2) {
    const [{ cell, place }] = texts;
    throw bad(
      place,
      `the column '${name}' holds '${cell}' among numbers`,
      `Correct it, or say that these are categories: types: { ${name}: category }.`,
    );
  }
  const values = new Set(known.map(({ cell }) => cell)).size;
  if (values > mostValues || (values > 20 && values > known.length / 2)) {
    throw bad(
      file,
      `the column '${name}' has ${values} different texts in ${known.length} rows`,
      `Leave it out: ignore: [${name}]; or say that they are categories: types: { ${name}: category }.`,
    );
  }
  return 'category';
}
