import { extname } from 'node:path';
import { DatasetError, suggest } from '../../errors.js';
import { readText } from '../../steady.js';
import { readTable, type TableForm } from '../csv/table.js';
import { classFolders } from '../images/folders.js';

/** A text, and its class. */
export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

/** Where in a file its texts and classes are. */
export interface TextKeys extends Pick<TableForm, 'delimiter'> {
  readonly field: string;
  readonly label: string;
}

const bad = (what: string, remedy: string): DatasetError =>
  new DatasetError('bad-file', `${what}.`, { remedy });

async function ofLines(file: string, { field, label }: TextKeys): Promise<LabelledText[]> {
  const content = await readText(file);
  return content.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '') return [];
    const where = `${file}:${i + 1}`;
    let entry: Record<string, unknown>;
    try {
      entry = JSON.parse(line) as Record<string, unknown>;
    } catch (cause) {
      throw bad(
        `${where} is no JSON (${(cause as Error).message})`,
        'Each line is an object, {"text": …, "label": …}',
      );
    }
    for (const key of [field, label]) {
      const value = entry?.[key];
      if (typeof value === 'string' || (key === label && ['number', 'boolean'].includes(typeof value)))
        continue;
      const keys = Object.keys(entry ?? {});
      throw bad(
        `${where} has no ${key === field ? 'text' : 'label'} '${key}'`,
        keys.length > 0 ? suggest(key, keys) : 'Each line is an object',
      );
    }
    return [{ text: entry[field] as string, label: String(entry[label]) }];
  });
}

async function ofTable(file: string, keys: TextKeys): Promise<LabelledText[]> {
  const { field, label } = keys;
  const table = await readTable(file, keys);
  const [at, of] = [field, label].map((name) => {
    const column = table.columns.indexOf(name);
    if (column >= 0) return column;
    throw new DatasetError('unknown-name', `${file} has no column '${name}'.`, {
      remedy: suggest(name, table.columns),
    });
  });
  return table.rows.map((row, i) => {
    if (row[of] !== '') return { text: row[at], label: row[of] };
    throw bad(`${table.places[i]}: the column '${label}' is empty`, 'Fill it in, or take the row out');
  });
}

async function ofFolder(folder: string): Promise<LabelledText[]> {
  const { classes, files } = await classFolders(folder, ['.txt', '.md', '.eml']);
  const texts: LabelledText[] = [];
  for (const { file, label } of files) {
    texts.push({ text: await readText(file), label: classes[label] });
  }
  return texts;
}

/** Texts of a file or a folder. @throws DatasetError `not-found`, `bad-file` (with the line), `unknown-name` */
export function readTexts(path: string, keys: TextKeys): Promise<LabelledText[]> {
  const kind = extname(path).toLowerCase();
  if (kind === '.jsonl' || kind === '.ndjson') return ofLines(path, keys);
  if (kind === '.csv' || kind === '.tsv') return ofTable(path, keys);
  if (kind === '') return ofFolder(path);
  throw new DatasetError('bad-file', `${path} holds no texts that are read.`, {
    remedy: 'Give a .jsonl, .csv, .tsv or .txt file, or a folder with a folder of .txt files for each class.',
  });
}
