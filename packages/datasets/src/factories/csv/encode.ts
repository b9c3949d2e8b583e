import { DatasetError } from '../../errors.js';
import type { Table } from './table.js';
import { type ColumnType, isMissing, isNumber, numberIn } from './types.js';

/** How a column became numbers. */
export type ColumnCode =
  | {
      readonly name: string;
      readonly type: 'number';
      /** (cell - mean) / deviation. */
      readonly mean: number;
      readonly deviation: number;
      /** What stands for a missing cell. */
      readonly fill?: number;
    }
  | {
      readonly name: string;
      readonly type: 'category';
      /** One-hot, in this order; a value that is not here is all zeros. */
      readonly values: readonly string[];
    };

/** How many numbers a column becomes. */
export const widthOf = (code: ColumnCode): number => (code.type === 'number' ? 1 : code.values.length);

/** Stands for a missing category. */
export const missingValue = '(missing)';

function statistics(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) || 1 };
}

/**
 * Learns how a column becomes numbers, from rows of the training split alone.
 *
 * @param standardize - Whether numbers are brought to mean 0 and deviation 1.
 * @throws DatasetError `bad-file` where the training split has no value in it
 */
export function learnColumn(
  table: Table,
  column: number,
  type: ColumnType,
  { rows, standardize, fills }: { rows: readonly number[]; standardize: boolean; fills: boolean },
): ColumnCode {
  const name = table.columns[column];
  const cells = rows.map((row) => table.rows[row][column]);
  const known = cells.filter((cell) => !isMissing(cell));
  if (known.length === 0) {
    throw new DatasetError(
      'bad-file',
      `${table.file}: the training split has nothing in the column '${name}'.`,
      {
        remedy: `Leave it out: ignore: [${name}].`,
      },
    );
  }
  if (type === 'category') {
    const values = [...new Set(known)].sort();
    return { name, type, values: fills && known.length < cells.length ? [...values, missingValue] : values };
  }
  const { mean, deviation } = statistics(known.map((cell) => numberIn(cell, table.decimal)));
  return {
    name,
    type,
    ...(standardize ? { mean, deviation } : { mean: 0, deviation: 1 }),
    ...(fills && { fill: mean }),
  };
}

/** Writes a cell's numbers. @throws DatasetError `bad-file` for one that is missing, or no number */
export function encodeCell(
  out: Float32Array,
  at: number,
  code: ColumnCode,
  table: Table,
  row: number,
  column: number,
): void {
  const cell = table.rows[row][column];
  const bad = (what: string, remedy: string): DatasetError =>
    new DatasetError('bad-file', `${table.places[row]}: the column '${code.name}' ${what}.`, {
      remedy,
    });
  const gone = isMissing(cell);
  if (code.type === 'category') {
    if (gone && !code.values.includes(missingValue)) {
      throw bad(
        `holds no value ('${cell}')`,
        'Fill it in, or say what becomes of such rows: missing: mean or drop.',
      );
    }
    const index = code.values.indexOf(gone ? missingValue : cell);
    if (index >= 0) out[at + index] = 1;
    return;
  }
  if (gone && code.fill === undefined) {
    throw bad(
      `holds no number ('${cell}')`,
      'Fill it in, or say what becomes of such rows: missing: mean or drop.',
    );
  }
  if (!gone && !isNumber(cell, table.decimal)) throw bad(`holds '${cell}', no number`, 'Correct it.');
  out[at] = ((gone ? (code.fill as number) : numberIn(cell, table.decimal)) - code.mean) / code.deviation;
}
