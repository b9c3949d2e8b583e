import { type DataPart, divide, parts, type Shares } from './divide.js';
import { DatasetError } from './errors.js';

/** One for all examples, which are divided; or one for each part. What of `validation` and `test` is not there is drawn from `train`. */
export type Parted<T> = T | { readonly train: T; readonly validation?: T; readonly test?: T };

/** Does it say which examples are for what? */
function isParted<T>(given: Parted<T>): given is Exclude<Parted<T>, T> {
  if (typeof given !== 'object' || given === null || !Object.hasOwn(given, 'train')) return false;
  return Object.keys(given).every((key) => (parts as readonly string[]).includes(key));
}

/** What is given, part by part; all of it for training where it does not say. */
export function byPart<T>(given: Parted<T>): readonly (readonly [DataPart, T])[] {
  if (!isParted(given)) return [['train', given as T]];
  const whole = given as Partial<Record<DataPart, T>>;
  return parts.flatMap((part) => (whole[part] === undefined ? [] : [[part, whole[part] as T] as const]));
}

/** Checks that inputs, labels and weights are given for the same parts. @throws DatasetError `invalid-option` */
export function checkSameParts(first: Parted<unknown>, other: Parted<unknown>, names: string): void {
  const [a, b] = [first, other].map((given) => byPart(given).map(([part]) => part));
  if (a.join() === b.join() && isParted(first) === isParted(other)) return;
  throw new DatasetError('invalid-option', `${names} are not given for the same parts: ${a} and ${b}.`, {
    remedy: 'Give both as one file, or both as { train, validation, test }.',
  });
}

/**
 * Refuses a share of what has files of its own.
 *
 * @throws DatasetError `invalid-option`
 */
export function checkShares(given: Parted<unknown>, shares: Shares): void {
  for (const [part] of byPart(given)) {
    if (part === 'train' || shares[part] === undefined) continue;
    throw new DatasetError('invalid-option', `${part} is both ${shares[part]} and files of its own.`, {
      remedy: `Leave out ${part}: ${shares[part]}.`,
    });
  }
}

/** For messages, and as the name of a source. */
export const nameOf = (given: Parted<string>): string =>
  byPart(given)
    .map(([, file]) => file)
    .join(' and ');

/** The places of examples that come part by part, of so many each. */
export function placesOf(counts: readonly (readonly [DataPart, number])[]): Record<DataPart, number[]> {
  const places: Record<DataPart, number[]> = { train: [], validation: [], test: [] };
  let from = 0;
  for (const [part, count] of counts) {
    places[part].push(...Array.from({ length: count }, (_, i) => from + i));
    from += count;
  }
  return places;
}

/**
 * The parts that are not there yet, drawn from that for training.
 *
 * @param classes - One class per example, from 0. Default: all alike.
 * @throws DatasetError `invalid-option` unless some are left for training
 */
export function divideRest(
  given: Readonly<Record<DataPart, readonly number[]>>,
  shares: Shares,
  classes?: ArrayLike<number>,
): Record<DataPart, readonly number[]> {
  const { train, validation, test } = given;
  const drawn = divide(
    train.length,
    {
      ...shares,
      ...(validation.length > 0 && { validation: 0 }),
      ...(test.length > 0 && { test: 0 }),
    },
    classes && train.map((i) => classes[i]),
  );
  const from = (part: DataPart): number[] => drawn[part].map((i) => train[i]);
  return {
    train: from('train'),
    validation: validation.length > 0 ? validation : from('validation'),
    test: test.length > 0 ? test : from('test'),
  };
}
