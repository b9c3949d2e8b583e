import { readText } from '../../steady.js';
import { readTable, type TableForm, usualDelimiter } from './table.js';
import { haveCommas, isMissing, isNumber, mostValues, numberIn } from './types.js';

/** What is in a column, whatever it is good for. */
export interface ColumnLook {
  readonly name: string;
  /** All numbers; few different texts; a text of its own in most rows; both; nothing. */
  readonly holds: 'numbers' | 'categories' | 'texts' | 'mixed' | 'nothing';
  /** Are its numbers whole? */
  readonly whole: boolean;
  /** How many different cells there are. */
  readonly different: number;
  readonly missing: number;
  /** Characters of a cell, on the average. */
  readonly length: number;
}

/** What is in a table. */
export interface TableLook {
  readonly delimiter: string;
  /** What has to be said for it to be read so: nothing, where the defaults do. */
  readonly form: TableForm;
  readonly rows: number;
  readonly columns: readonly ColumnLook[];
}

/** The sign between the cells of a head: the one that occurs most. */
async function delimiterOf(file: string): Promise<string> {
  const [head = ''] = (await readText(file)).split('\n', 1);
  const count = (sign: string): number => head.split(sign).length;
  return [',', ';', '\t', '|'].reduce((a, b) => (count(b) > count(a) ? b : a));
}

/**
 * Looks at a table, so that it can be said how to read it: which columns there are, and what they hold.
 *
 * @param form - What is not given is found out. Decimals are taken to follow a comma where that is not what stands between cells,
 *   and makes numbers of a column.
 * @throws DatasetError `not-found`, `bad-file`
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { lookAtTable } from '@espalier/datasets';
 * const file = join(await mkdtemp(join(tmpdir(), 'look-')), 'trees.csv');
 * await writeFile(file, 'age;kind\n3;elm\n5;oak\n8;elm\n');
 * const { delimiter, columns } = await lookAtTable(file);
 * if (delimiter !== ';' || columns.map(({ holds }) => holds).join() !== 'numbers,categories') throw new Error('unexpected');
 * ```
 */
export async function lookAtTable(file: string, form: TableForm = {}): Promise<TableLook> {
  const delimiter = form.delimiter ?? (await delimiterOf(file));
  const { columns, rows } = await readTable(file, { delimiter });
  const cells = columns.map((_, at) => rows.map((row) => row[at]).filter((cell) => !isMissing(cell)));
  const decimal = form.decimal ?? (delimiter !== ',' && cells.some(haveCommas) ? ',' : '.');
  const looks = columns.map((name, at): ColumnLook => {
    const known = cells[at];
    const texts = known.filter((cell) => !isNumber(cell, decimal)).length;
    const different = new Set(known).size;
    const many = different > mostValues || (different > 20 && different > known.length / 2);
    const kind =
      texts === 0 ? 'numbers' : texts <= known.length / 2 ? 'mixed' : many ? 'texts' : 'categories';
    return {
      name,
      holds: known.length === 0 ? 'nothing' : kind,
      whole: texts === 0 && known.every((cell) => Number.isInteger(numberIn(cell, decimal))),
      different,
      missing: rows.length - known.length,
      length: known.reduce((sum, cell) => sum + cell.length, 0) / Math.max(1, known.length),
    };
  });
  const said: TableForm = {
    ...(delimiter !== usualDelimiter(file) && { delimiter }),
    ...(decimal !== '.' && { decimal }),
  };
  return { delimiter, form: said, rows: rows.length, columns: looks };
}
