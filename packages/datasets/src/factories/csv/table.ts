import { extname, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { DataPart } from '../../divide.js';
import { DatasetError, suggest } from '../../errors.js';
import { byPart, type Parted, placesOf } from '../../parted.js';
import { readText } from '../../steady.js';

/** How a table is written. */
export interface TableForm {
  /** The sign between cells. Default ','; of a `.tsv`, the tabulator. */
  readonly delimiter?: string;
  /** The sign before the decimals of a number. Default '.'. */
  readonly decimal?: '.' | ',';
}

/** A table as texts. */
export interface Table {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** For messages: the file of each row, and the line on which it ends. */
  readonly places: readonly string[];
  readonly decimal: '.' | ',';
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** The sign between cells where nothing is said: by the file's name. */
export const usualDelimiter = (file: string): string => (extname(file).toLowerCase() === '.tsv' ? '\t' : ',');

/** Reads a CSV file whose first line names the columns. @throws DatasetError `not-found`, `bad-file`, `invalid-option` */
export async function readTable(file: string, form: TableForm = {}): Promise<Table> {
  const { decimal = '.', delimiter = usualDelimiter(file) } = form;
  if (decimal !== '.' && decimal !== ',') {
    throw new DatasetError('invalid-option', `csv: decimal is ${JSON.stringify(decimal)}.`, {
      remedy: "Give '.' or ','.",
    });
  }
  const text = await readText(file);
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
    places: rest.map(({ info }) => `${file}:${info.lines}`),
    decimal,
  };
}

/** Tables as one, and which of its rows are for what. */
export interface PartedTable {
  readonly table: Table;
  readonly rows: Readonly<Record<DataPart, readonly number[]>>;
}

/** Reads the table of each part. @throws DatasetError `not-found`; `bad-file`, for other columns in one than in the first, too */
export async function readTables(
  files: Parted<string>,
  folder: string,
  form: TableForm,
): Promise<PartedTable> {
  const read: [DataPart, Table][] = [];
  for (const [part, file] of byPart(files)) read.push([part, await readTable(resolve(folder, file), form)]);
  const [[, first], ...others] = read;
  const rows = [...first.rows];
  for (const [, { file, columns, rows: more }] of others) {
    const lacks = first.columns.find((name) => !columns.includes(name));
    if (lacks !== undefined) {
      throw new DatasetError('bad-file', `${file} has no column '${lacks}', which ${first.file} has.`, {
        remedy: suggest(lacks, columns),
      });
    }
    const order = first.columns.map((name) => columns.indexOf(name));
    for (const row of more) rows.push(order.map((at) => row[at]));
  }
  return {
    table: { ...first, rows, places: read.flatMap(([, { places }]) => places) },
    rows: placesOf(read.map(([part, { rows }]) => [part, rows.length])),
  };
}
