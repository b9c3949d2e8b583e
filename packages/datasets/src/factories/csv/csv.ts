import { type DataSource, inMemory } from '../../data-source.js';
import { type DataPart, parts, type Shares } from '../../divide.js';
import { checkOptions, DatasetError, suggest } from '../../errors.js';
import { type Column, type Examples, takeExamples } from '../../examples.js';
import { fingerprintOf } from '../../fingerprint.js';
import { checkShares, divideRest, nameOf, type Parted } from '../../parted.js';
import type { FactoryContext } from '../built-in.js';
import { type ColumnCode, encodeCell, learnColumn, widthOf } from './encode.js';
import { readTables, type Table, type TableForm } from './table.js';
import { type ColumnType, isMissing, typeOf } from './types.js';

/** Options of {@link fromCsv}. */
export interface CsvOptions extends Omit<Shares, 'seed'>, TableForm {
  /** A file whose first line names the columns; or one for each part. */
  readonly csv: Parted<string>;
  /** The column to predict, or several. A category becomes classes, a number stays one. */
  readonly target: string | readonly string[];
  /** Columns that are left out. */
  readonly ignore?: readonly string[];
  /** What columns are, where it should not be found out. */
  readonly types?: Readonly<Record<string, ColumnType>>;
  /** What becomes of rows with empty cells: an error, the mean of the training split (a category of its own), or no row. */
  readonly missing?: 'refuse' | 'mean' | 'drop';
  /** Which numbers are brought to mean 0 and deviation 1, as in the training split. Default `inputs`. */
  readonly standardize?: 'inputs' | 'all' | 'none';
}

const known = [
  'csv',
  'target',
  'ignore',
  'types',
  'missing',
  'standardize',
  'delimiter',
  'decimal',
  'validation',
  'test',
];

function placeOf({ file, columns }: Table, name: string): number {
  const at = columns.indexOf(name);
  if (at >= 0) return at;
  const sign =
    columns.length === 1 ? [';', '\t', '|', ','].find((one) => columns[0].includes(one)) : undefined;
  throw new DatasetError('unknown-name', `${file} has no column '${name}'.`, {
    remedy: sign
      ? `Its only column is '${columns[0]}': is the delimiter ${JSON.stringify(sign)}?`
      : suggest(name, columns),
  });
}

/** A row's place in the table, of rows that are used. */
type Rows = readonly number[];

/** One target as labels: classes, or a number. */
function labelOf(table: Table, rows: Rows, code: ColumnCode, name: string | undefined): Column {
  const column = placeOf(table, code.name);
  if (code.type === 'category') {
    const values = Int32Array.from(rows, (row) => {
      const index = code.values.indexOf(table.rows[row][column]);
      if (index >= 0) return index;
      const cell = table.rows[row][column];
      throw new DatasetError('bad-file', `${table.places[row]}: the target '${code.name}' is '${cell}'.`, {
        remedy: 'Take the row out: a target has to be known.',
      });
    });
    return { ...(name !== undefined && { name }), shape: [], values, classes: code.values };
  }
  return { ...(name !== undefined && { name }), shape: [1], values: encoded(table, rows, [code]) };
}

/** The numbers of columns, row by row. */
function encoded(table: Table, rows: Rows, codes: readonly ColumnCode[]): Float32Array {
  const width = codes.reduce((sum, code) => sum + widthOf(code), 0);
  const out = new Float32Array(rows.length * width);
  const columns = codes.map(({ name }) => placeOf(table, name));
  for (const [i, row] of rows.entries()) {
    let at = i * width;
    for (const [c, code] of codes.entries()) {
      encodeCell(out, at, code, table, row, columns[c]);
      at += widthOf(code);
    }
  }
  return out;
}

function noteOf(code: ColumnCode, target: boolean): string {
  const of =
    code.type === 'number'
      ? 'number'
      : `category (${code.values.slice(0, 8).join(', ')}${code.values.length > 8 ? ', …' : ''})`;
  return `${code.name}: ${of}${target ? ', target' : ''}`;
}

/** The code of a target: all its classes, also those that the training split lacks, which is an error. */
function targetCode(
  table: Table,
  column: number,
  type: ColumnType,
  train: Rows,
  all: Rows,
  standardize: boolean,
): ColumnCode {
  const name = table.columns[column];
  const unknown = all.find((row) => isMissing(table.rows[row][column]));
  if (unknown !== undefined) {
    throw new DatasetError('bad-file', `${table.places[unknown]}: the target '${name}' is missing.`, {
      remedy: 'Fill it in, or leave such rows out: missing: drop.',
    });
  }
  const code = learnColumn(table, column, type, { rows: train, standardize, fills: false });
  if (code.type === 'number') return code;
  const lacking = all.map((row) => table.rows[row][column]).find((cell) => !code.values.includes(cell));
  if (lacking === undefined && code.values.length > 1) return code;
  throw new DatasetError(
    'bad-file',
    lacking === undefined
      ? `${table.file}: the target '${name}' is '${code.values[0]}' everywhere.`
      : `${table.file}: the class '${lacking}' of '${name}' has no example in the training split.`,
    { remedy: 'Give more examples of each class, or leave the class out.' },
  );
}

/**
 * A table: each row an example, columns of numbers and of categories (one-hot) its input, one or more columns its labels. What
 * columns are is found out and told in `notes`. Means, deviations and categories are those of the training split alone; `encoding`
 * keeps them.
 *
 * Labels: the classes of a category; a number, or several targets that are all numbers, as `[targets]`; several targets
 * of which one is a category go to the outputs that have their names.
 *
 * @throws DatasetError `not-found`, `bad-file` (with the line), `unknown-name`, `unknown-option`, `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { fromArrays, fromCsv, fromImages, fromText } from '@espalier/datasets';
 * import { writeNpy } from '@espalier/formats';
 * const folder = await mkdtemp(join(tmpdir(), 'example-'));
 * const [numbers, lines] = [Float32Array.from({ length: 40 }, (_, i) => i), Array.from({ length: 40 }, (_, i) => i)];
 * const save = (name: string, content: string | Uint8Array) => writeFile(join(folder, name), content);
 * await save('x.npy', writeNpy([20, 2], numbers));
 * await save('y.npy', writeNpy([20], Float32Array.from({ length: 20 }, (_, i) => i / 2)));
 * await save('t.csv', ['n,kind', ...lines.map((i) => `${i},${i % 2 ? 'odd' : 'even'}`)].join('\n'));
 * await save('t.jsonl', lines.map((i) => JSON.stringify({ text: `number ${i}`, label: i % 2 ? 'odd' : 'even' })).join('\n'));
 * const sources = [
 *   await fromArrays({ inputs: 'x.npy', labels: 'y.npy' }, { folder }),
 *   await fromCsv({ csv: 't.csv', target: 'kind' }, { folder }),
 *   await fromText({ text: 't.jsonl' }, { folder }),
 * ];
 * if (sources.map(({ labels }) => labels[0].shape[0] ?? 1).join() !== '1,2,2') throw new Error('unexpected');
 * const none = await fromImages({ images: join(folder, 'pictures') }).catch(({ code }) => code);
 * if (typeof none !== 'string') throw new Error('there are no pictures');
 * ```
 */
export async function fromCsv(
  options: CsvOptions,
  { seed = 0, folder = '.' }: FactoryContext = {},
): Promise<DataSource> {
  checkOptions('csv', options, known);
  const { ignore = [], types = {}, missing = 'refuse', standardize = 'inputs' } = options;
  checkShares(options.csv, options);
  const { table, rows } = await readTables(options.csv, folder, options);
  const targets = typeof options.target === 'string' ? [options.target] : options.target;
  for (const name of [...targets, ...ignore, ...Object.keys(types)]) placeOf(table, name);
  const used = table.columns.filter((name) => !targets.includes(name) && !ignore.includes(name));
  if (used.length === 0) {
    throw new DatasetError('invalid-option', `${table.file}: no column is left to predict from.`, {
      remedy: 'Leave fewer out.',
    });
  }
  const columns = [...used, ...targets].map((name) => placeOf(table, name));
  const typeIn = (name: string): ColumnType => types[name] ?? typeOf(table, placeOf(table, name));
  const usable = [...table.rows.keys()].filter(
    (row) => missing !== 'drop' || columns.every((column) => !isMissing(table.rows[row][column])),
  );
  const targetTypes = targets.map(typeIn);
  const only = targets.length === 1 && targetTypes[0] === 'category' ? placeOf(table, targets[0]) : undefined;
  const names = only === undefined ? [] : [...new Set(usable.map((row) => table.rows[row][only]))].sort();
  const classes = only === undefined ? undefined : usable.map((row) => names.indexOf(table.rows[row][only]));
  const places = new Map(usable.map((row, i) => [row, i]));
  const given = (part: DataPart): number[] => rows[part].flatMap((row) => places.get(row) ?? []);
  const own = { train: given('train'), validation: given('validation'), test: given('test') };
  const divided = divideRest(own, { ...options, seed }, classes);
  const train = divided.train.map((i) => usable[i]);

  const learning = { rows: train, standardize: standardize !== 'none', fills: missing === 'mean' };
  const codes = used.map((name) => learnColumn(table, placeOf(table, name), typeIn(name), learning));
  const wanted = targets.map((name, i) =>
    targetCode(table, placeOf(table, name), targetTypes[i], train, usable, standardize === 'all'),
  );
  const numbers = wanted.every(({ type }) => type === 'number');
  const inputs = encoded(table, usable, codes);
  const labels: Column[] = numbers
    ? [{ shape: [targets.length], values: encoded(table, usable, wanted) }]
    : wanted.map((code) => labelOf(table, usable, code, targets.length > 1 ? code.name : undefined));
  const all: Examples = {
    size: usable.length,
    inputs: [{ shape: [inputs.length / usable.length], values: inputs }],
    labels,
  };
  const taken = Object.fromEntries(parts.map((part) => [part, takeExamples(all, divided[part])])) as Record<
    DataPart,
    Examples
  >;
  const dropped = table.rows.length - usable.length;
  return inMemory({
    name: nameOf(options.csv),
    notes: [
      ...codes.map((code) => noteOf(code, false)),
      ...wanted.map((code) => noteOf(code, true)),
      ...(dropped > 0 ? [`${dropped} of ${table.rows.length} rows have empty cells and were left out`] : []),
    ],
    encoding: { kind: 'csv', inputs: codes, targets: wanted },
    fingerprint: fingerprintOf(Object.values(taken)),
    parts: taken,
  });
}
