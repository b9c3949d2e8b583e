import { checkInteger, checkOptions, DatasetError, suggest } from './errors.js';
import { MOBY_DICK } from './source/catalogue.js';
import { obtain, type SourceOptions } from './source/obtain.js';

/** A text as a row of character ids, cut in three: the end is kept for testing, what is before it for validation. */
export interface TextDataset {
  readonly name: string;
  /** The characters that occur, in code point order; an id is a place in this list. */
  readonly alphabet: readonly string[];
  readonly train: Uint16Array;
  readonly validation: Uint16Array;
  readonly test: Uint16Array;
  readonly source: string;
  readonly licence: string;
}

/** Which shares of a text are set aside, each in [0, 1). */
export interface TextShares {
  /** Default: 0.05. */
  readonly validation?: number;
  /** Default: 0.05. */
  readonly test?: number;
}

const TEXTS = { 'moby-dick': MOBY_DICK } as const;

/** The names that {@link loadText} knows. */
export const textNames: readonly string[] = Object.keys(TEXTS);

/**
 * Loads a text for character-level language models: `moby-dick` (1.19 million characters, 83 different ones).
 * Found, fetched and checked as {@link loadDataset} does.
 *
 * @throws DatasetError as {@link loadDataset} does.
 *
 * @example
 * ```ts no-run
 * import { builtIn, defaultCacheDir, loadText } from '@espalier/datasets';
 * console.log(defaultCacheDir()); // where they are kept once they have been fetched
 * const { train, alphabet } = await loadText('moby-dick');
 * const mnist = await builtIn('mnist')({ name: 'mnist' });
 * console.log(train.length, alphabet.length, mnist.inputs[0].shape);
 * ```
 */
export async function loadText(name: string, options: SourceOptions & TextShares = {}): Promise<TextDataset> {
  if (!Object.hasOwn(TEXTS, name)) {
    throw new DatasetError('unknown-name', `Unknown text "${name}".`, { remedy: suggest(name, textNames) });
  }
  checkOptions('loadText', options, ['validation', 'test', 'dir', 'cacheDir', 'offline', 'log']);
  const { validation, test, ...where } = options;
  const pinned = TEXTS[name as keyof typeof TEXTS];
  const { files, source } = await obtain(pinned, where);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(files.get(pinned.files[0].name));
  const shares = { ...(validation !== undefined && { validation }), ...(test !== undefined && { test }) };
  return textDataset(name, text, { ...shares, source, licence: pinned.licence });
}

/**
 * A data set out of the user's own text.
 *
 * @throws DatasetError (`invalid-option`) when the shares leave nothing for training.
 *
 * @example
 * ```ts
 * import { decodeText, textDataset } from '@espalier/datasets';
 * const data = textDataset('mine', 'abracadabra', { validation: 0.2, test: 0.2 });
 * if (data.alphabet.join('') !== 'abcdr' || decodeText(data.train, data.alphabet) !== 'abracad') {
 *   throw new Error('unexpected');
 * }
 * ```
 */
export function textDataset(
  name: string,
  text: string,
  options: TextShares & { readonly source?: string; readonly licence?: string } = {},
): TextDataset {
  checkOptions('textDataset', options, ['validation', 'test', 'source', 'licence']);
  const { validation = 0.05, test = 0.05, source = 'memory', licence = 'not stated' } = options;
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    throw new DatasetError('invalid-option', `text: validation is ${validation}, test is ${test}.`, {
      remedy: 'Give shares of at least 0 that leave some of the text for training.',
    });
  }
  const characters = [...text];
  const alphabet = [...new Set(characters)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const ids = encodeText(text, alphabet);
  const testStart = ids.length - Math.round(test * ids.length);
  const validationStart = testStart - Math.round(validation * ids.length);
  return {
    name,
    alphabet,
    train: ids.slice(0, validationStart),
    validation: ids.slice(validationStart, testStart),
    test: ids.slice(testStart),
    source,
    licence,
  };
}

/**
 * Characters to ids.
 *
 * @throws DatasetError (`invalid-option`) for a character outside the alphabet, or one of over 65,536 characters.
 *
 * @example
 * ```ts
 * import { decodeText, encodeText } from '@espalier/datasets';
 * const ids = encodeText('abba', ['a', 'b']);
 * if (ids.join() !== '0,1,1,0' || decodeText(ids, ['a', 'b']) !== 'abba') throw new Error('unexpected');
 * ```
 */
export function encodeText(text: string, alphabet: readonly string[]): Uint16Array {
  checkInteger('encodeText', 'room left in the alphabet', 65_536 - alphabet.length, 0);
  const idOf = new Map(alphabet.map((character, id) => [character, id]));
  const characters = [...text];
  return Uint16Array.from(characters, (character, at) => {
    const id = idOf.get(character);
    if (id !== undefined) return id;
    throw new DatasetError(
      'invalid-option',
      `encodeText: ${JSON.stringify(character)} at ${at} is not in the alphabet.`,
    );
  });
}

/** Ids back to characters. */
export function decodeText(ids: ArrayLike<number>, alphabet: readonly string[]): string {
  return Array.from(ids, (id) => alphabet[id]).join('');
}
