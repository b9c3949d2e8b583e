import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { DatasetError } from '../../errors.js';
import { steadily } from '../../steady.js';

/** A table as texts. */
export interface Table {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The line of the file on which each row ends. */
  readonly lines: readonly number[];
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Reads a CSV file whose first line names the columns. @throws DatasetError `not-found`, `bad-file` */
export async function readTable(file: string, delimiter: string): Promise<Table> {
  const text = await steadily(file, (path) => readFile(path, 'utf8'));
  let parsed: readonly Parsed[];
  try {
    parsed = parse(text, { delimiter, bom: true, info: true, skip_empty_lines: true, trim: true }) as never;
  } catch (cause) {
    throw new DatasetError('bad-file', `${file}: ${(cause as Error).message}.`, {
      cause,
      remedy: 'Every line has as many cells as the first; what holds a delimiter stands in "quotes".',
    });
  }
  const [head, ...rest] = parsed;
  const bad = (what: string, remedy: string): DatasetError =>
    new DatasetError('bad-file', `${file} ${what}.`, { remedy });
  if (head === undefined || rest.length === 0)
    throw bad('holds no rows', 'The first line names the columns; rows follow.');
  const columns = head.record;
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw bad(`has two columns '${twice}'`, 'Give them different names.');
  return {
    file,
    columns,
    rows: rest.map(({ record }) => record),
    lines: rest.map(({ info }) => info.lines),
  };
}
