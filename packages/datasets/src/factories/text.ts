import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { type DataSource, inMemory } from '../data-source.js';
import { type DataPart, divide, parts, type Shares } from '../divide.js';
import { checkInteger, checkOptions, DatasetError, suggest } from '../errors.js';
import { type Examples, takeExamples } from '../examples.js';
import { fingerprintOf } from '../fingerprint.js';
import { steadily } from '../steady.js';
import { textDataset } from '../text.js';
import { type FactoryContext, nextCharacter } from './built-in.js';
import { readTable } from './csv/table.js';
import { classFolders } from './images/folders.js';
import { encodeWith, learnVocabulary, type Unit } from './vocabulary.js';

/** Options of {@link fromText}. */
export interface TextOptions extends Omit<Shares, 'seed'> {
  /**
   * A `.jsonl` or `.csv` file, or a folder with a folder of `.txt` files for each class: texts to be classified. A `.txt`
   * file: its next character is to be predicted.
   */
  readonly text: string;
  /** The key or column that holds the text. Default `text`. */
  readonly field?: string;
  /** The key or column that holds the class. Default `label`. */
  readonly label?: string;
  /** What a text is made of. Default `word`. */
  readonly unit?: Unit;
  /** Words or characters of an example: longer ones are cut off, shorter ones filled up with 0. Default 128; of a `.txt`, 64. */
  readonly length?: number;
  /** Most entries of the vocabulary, the most frequent ones of the training split. Default 10000. */
  readonly words?: number;
}

const known = ['text', 'field', 'label', 'unit', 'length', 'words', 'validation', 'test'];

interface Labelled {
  readonly text: string;
  readonly label: string;
}

const bad = (what: string, remedy: string): DatasetError =>
  new DatasetError('bad-file', `${what}.`, { remedy });

async function ofLines(file: string, field: string, label: string): Promise<Labelled[]> {
  const content = await steadily(file, (path) => readFile(path, 'utf8'));
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

async function ofTable(file: string, field: string, label: string): Promise<Labelled[]> {
  const table = await readTable(file, ',');
  const [at, of] = [field, label].map((name) => {
    const column = table.columns.indexOf(name);
    if (column >= 0) return column;
    throw new DatasetError('unknown-name', `${file} has no column '${name}'.`, {
      remedy: suggest(name, table.columns),
    });
  });
  return table.rows.map((row, i) => {
    if (row[of] !== '') return { text: row[at], label: row[of] };
    throw bad(`${file}:${table.lines[i]}: the column '${label}' is empty`, 'Fill it in, or take the row out');
  });
}

async function ofFolder(folder: string): Promise<Labelled[]> {
  const { classes, files } = await classFolders(folder, ['.txt', '.md', '.eml']);
  const texts: Labelled[] = [];
  for (const { file, label } of files) {
    texts.push({ text: await steadily(file, (path) => readFile(path, 'utf8')), label: classes[label] });
  }
  return texts;
}

function readAll(path: string, field: string, label: string): Promise<Labelled[]> {
  const kind = extname(path).toLowerCase();
  if (kind === '.jsonl' || kind === '.ndjson') return ofLines(path, field, label);
  if (kind === '.csv') return ofTable(path, field, label);
  if (kind === '') return ofFolder(path);
  throw new DatasetError('bad-file', `${path} holds no texts that are read.`, {
    remedy: 'Give a .jsonl, .csv or .txt file, or a folder with a folder of .txt files for each class.',
  });
}

/**
 * Texts as ids of words or characters, `[length]`, and their classes; the vocabulary is that of the training split, 0 fills up
 * and 1 stands for what is not in it. Of a `.txt` file, sequences of characters and the character that follows each.
 *
 * @throws DatasetError `not-found`, `bad-file` (with the line), `unknown-name`, `unknown-option`, `invalid-option`
 */
export async function fromText(
  options: TextOptions,
  { seed = 0, folder = '.' }: FactoryContext = {},
): Promise<DataSource> {
  checkOptions('text', options, known);
  const path = resolve(folder, options.text);
  const { field = 'text', label = 'label', unit = 'word', words = 10_000 } = options;
  if (extname(path).toLowerCase() === '.txt') {
    checkOptions('text: next character', options, ['text', 'length', 'validation', 'test']);
    const content = await steadily(path, (file) => readFile(file, 'utf8'));
    const { validation, test, length } = options;
    const shares = { ...(validation !== undefined && { validation }), ...(test !== undefined && { test }) };
    return nextCharacter(textDataset(basename(path), content, shares), length, true);
  }
  const { length = 128 } = options;
  checkInteger('text', 'length', length, 1);
  checkInteger('text', 'words', words, 1);
  if (unit !== 'word' && unit !== 'character') {
    throw new DatasetError('invalid-option', `text: unit is '${unit}'.`, {
      remedy: 'Give word or character.',
    });
  }
  const texts = await readAll(path, field, label);
  const classes = [...new Set(texts.map((one) => one.label))].sort();
  if (classes.length < 2) {
    throw bad(
      `${path} holds ${texts.length} texts of ${classes.length} class${classes.length === 1 ? '' : 'es'}`,
      'There have to be at least two',
    );
  }
  const labels = Int32Array.from(texts, (one) => classes.indexOf(one.label));
  const indices = divide(texts.length, { ...options, seed }, labels);
  const vocabulary = learnVocabulary(
    indices.train.map((i) => texts[i].text),
    unit,
    words,
  );
  const ids = new Int32Array(texts.length * length);
  for (const [i, one] of texts.entries()) ids.set(encodeWith(vocabulary, one.text, unit, length), i * length);
  const all: Examples = {
    size: texts.length,
    inputs: [{ shape: [length], values: ids }],
    labels: [{ shape: [], values: labels, classes }],
  };
  return inMemory({
    name: options.text,
    notes: [
      `${texts.length} texts of ${classes.length} classes; ${vocabulary.length + 2} ids, with 0 to fill up and 1 for what is unknown`,
    ],
    encoding: { kind: 'text', unit, length, vocabulary, classes },
    fingerprint: fingerprintOf([all]),
    parts: Object.fromEntries(parts.map((part) => [part, takeExamples(all, indices[part])])) as Record<
      DataPart,
      Examples
    >,
  });
}
