import { resolve } from 'node:path';
import type { DataSource } from '../../data-source.js';
import { type DataPart, parts } from '../../divide.js';
import { checkInteger, checkOptions, DatasetError } from '../../errors.js';
import { wordFor } from '../../fingerprint.js';
import { byPart, nameOf } from '../../parted.js';
import { readText } from '../../steady.js';
import type { FactoryContext } from '../built-in.js';
import { following } from './following.js';
import type { TextOptions } from './options.js';
import { coder, learnVocabulary, type Unit, unitsOf } from './vocabulary.js';

/** What stands for characters that the training split lacks. */
const stranger = '\uFFFD';

/** A text as its words or characters, in parts: those of their own files, else cut off its end. */
function divideUnits(
  given: ReadonlyMap<DataPart, readonly string[]>,
  { validation = 0.05, test = 0.05 }: Pick<TextOptions, 'validation' | 'test'>,
): Record<DataPart, readonly string[]> {
  const all = given.get('train') as readonly string[];
  const share = { validation, test };
  const counts = (['validation', 'test'] as const).map((part) => {
    if (given.has(part)) return 0;
    if (share[part] >= 0 && share[part] < 1) return Math.round(share[part] * all.length);
    throw new DatasetError('invalid-option', `text: ${part} is ${share[part]}.`, {
      remedy: 'Of a text, give a share below 1.',
    });
  });
  const testFrom = all.length - counts[1];
  const train = all.slice(0, Math.max(0, testFrom - counts[0]));
  if (train.length === 0) {
    throw new DatasetError('invalid-option', `text: validation is ${validation}, test is ${test}.`, {
      remedy: 'Give shares of at least 0 that leave some of the text for training.',
    });
  }
  return {
    train,
    validation: given.get('validation') ?? all.slice(train.length, testFrom),
    test: given.get('test') ?? all.slice(testFrom),
  };
}

interface Coded {
  /** What the ids stand for. */
  readonly classes: readonly string[];
  readonly idOf: (unit: string) => number;
  readonly encoding: Readonly<Record<string, unknown>>;
}

/** Characters in the order of their code; where other parts have others, one more stands for them. */
function ofCharacters(divided: Record<DataPart, readonly string[]>): Coded {
  const alphabet = [...new Set(divided.train)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const known = new Map(alphabet.map((character, id) => [character, id]));
  const strange = parts.some((part) => divided[part].some((character) => !known.has(character)));
  const classes = strange ? [...alphabet, stranger] : alphabet;
  return {
    classes,
    idOf: (character) => known.get(character) ?? classes.length - 1,
    encoding: { kind: 'characters', alphabet: classes },
  };
}

/** The most frequent words; as in texts that have a class, 0 fills up and 1 stands for all others. */
function ofWords(divided: Record<DataPart, readonly string[]>, words: number): Coded {
  const vocabulary = learnVocabulary(divided.train, words);
  return {
    classes: ['(fill)', '(unknown)', ...vocabulary],
    idOf: coder(vocabulary),
    encoding: { kind: 'words', vocabulary },
  };
}

/**
 * Sequences of a text, and of each place in them what comes next: words or characters, of the training split alone.
 *
 * @throws DatasetError `not-found`, `unknown-option`, `invalid-option`
 */
export async function nextUnit(
  options: TextOptions,
  unit: Unit,
  { folder = '.' }: FactoryContext,
): Promise<DataSource> {
  const known = ['text', 'unit', 'length', 'validation', 'test', ...(unit === 'word' ? ['words'] : [])];
  checkOptions(`text: next ${unit}`, options, known);
  const { length = 64, words = 2000 } = options;
  const name = nameOf(options.text);
  checkInteger(name, 'length', length, 1);
  checkInteger(name, 'words', words, 1);
  const given = new Map<DataPart, readonly string[]>();
  for (const [part, file] of byPart(options.text)) {
    const content = await readText(resolve(folder, file));
    given.set(part, unitsOf(content, unit));
  }
  const divided = divideUnits(given, options);
  for (const part of parts) {
    const { length: count } = divided[part];
    // In training, sequences begin at another place each epoch.
    const least = part === 'train' ? 2 * length : length + 1;
    if (count === 0 ? part !== 'train' : count >= least) continue;
    throw new DatasetError(
      'bad-file',
      `${name} has ${count} ${unit}s for ${part}, too few for a sequence of ${length}.`,
      { remedy: `Give more text, or a smaller length.` },
    );
  }
  const { classes, idOf, encoding } = unit === 'word' ? ofWords(divided, words) : ofCharacters(divided);
  const classCount = classes.length;
  checkInteger(name, 'room left in the vocabulary', 65_536 - classCount, 0);
  const ids = Object.fromEntries(
    parts.map((part) => [part, Uint16Array.from(divided[part], idOf)]),
  ) as Record<DataPart, Uint16Array>;
  const unknown = ids.test.filter((id) => id === 1).length / Math.max(1, ids.test.length);
  return {
    name,
    inputs: [{ shape: [length] }],
    labels: [{ shape: [length, classCount], classes }],
    notes:
      unit === 'word'
        ? [
            `${divided.train.length} words to learn from; ${classCount} ids; of the test's words, ${(100 * unknown).toFixed(1)} % are unknown`,
          ]
        : [],
    encoding,
    characters: unit === 'character',
    fingerprint: wordFor([JSON.stringify(classes), ...parts.map((part) => ids[part])]),
    repeatable: true,
    batches: following(ids, classCount, length),
  };
}
