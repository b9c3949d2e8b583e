import { extname, resolve } from 'node:path';
import { type DataSource, inMemory } from '../../data-source.js';
import { type DataPart, parts } from '../../divide.js';
import { checkInteger, checkOptions, DatasetError } from '../../errors.js';
import { type Examples, takeExamples } from '../../examples.js';
import { fingerprintOf } from '../../fingerprint.js';
import { byPart, checkShares, divideRest, nameOf, placesOf } from '../../parted.js';
import type { FactoryContext } from '../built-in.js';
import { nextUnit } from './next.js';
import type { TextOptions } from './options.js';
import { type LabelledText, readTexts } from './read.js';
import { coder, learnVocabulary, unitsOf } from './vocabulary.js';

const known = ['text', 'field', 'label', 'delimiter', 'unit', 'length', 'words', 'validation', 'test'];

/**
 * Texts as ids of words or characters, `[length]`, and their classes; the vocabulary is that of the training split, 0 fills up
 * and 1 stands for what is not in it. Of a `.txt` file, sequences of characters (or, with `unit: 'word'`, of words) and what follows
 * each of them.
 *
 * @throws DatasetError `not-found`, `bad-file` (with the line), `unknown-name`, `unknown-option`, `invalid-option`
 */
export async function fromText(options: TextOptions, context: FactoryContext = {}): Promise<DataSource> {
  const { seed = 0, folder = '.' } = context;
  checkOptions('text', options, known);
  checkShares(options.text, options);
  const { field = 'text', label = 'label', words = 10_000, length = 128 } = options;
  const long = byPart(options.text).every(([, file]) => extname(file).toLowerCase() === '.txt');
  const { unit = long ? 'character' : 'word' } = options;
  if (unit !== 'word' && unit !== 'character') {
    throw new DatasetError('invalid-option', `text: unit is '${unit}'.`, {
      remedy: 'Give word or character.',
    });
  }
  if (long) return nextUnit(options, unit, context);
  checkInteger('text', 'length', length, 1);
  checkInteger('text', 'words', words, 1);
  const name = nameOf(options.text);
  const read: [DataPart, LabelledText[]][] = [];
  for (const [part, file] of byPart(options.text))
    read.push([part, await readTexts(resolve(folder, file), { ...options, field, label })]);
  const texts = read.flatMap(([, some]) => some);
  const classes = [...new Set(texts.map((one) => one.label))].sort();
  if (classes.length < 2) {
    throw new DatasetError(
      'bad-file',
      `${name} holds ${texts.length} texts of ${classes.length} class${classes.length === 1 ? '' : 'es'}.`,
      { remedy: 'There have to be at least two.' },
    );
  }
  const labels = Int32Array.from(texts, (one) => classes.indexOf(one.label));
  const given = placesOf(read.map(([part, some]) => [part, some.length]));
  const indices = divideRest(given, { ...options, seed }, labels);
  const units = texts.map(({ text }) => unitsOf(text, unit));
  const learned = indices.train.flatMap((i) => units[i]);
  const vocabulary = learnVocabulary(learned, words);
  const ids = new Int32Array(texts.length * length);
  const idOf = coder(vocabulary);
  for (const [i, one] of units.entries()) ids.set(one.slice(0, length).map(idOf), i * length);
  const all: Examples = {
    size: texts.length,
    inputs: [{ shape: [length], values: ids }],
    labels: [{ shape: [], values: labels, classes }],
  };
  return inMemory({
    name,
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
