import { DatasetError } from '../errors.js';
import type { Examples } from '../examples.js';
import type { NamedArray } from './array-files.js';
import { type ArraysOptions, examplesOfArrays } from './arrays.js';

/** An array of one's own: the first axis of its shape counts the examples. */
export interface OwnArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

type OwnArrays = OwnArray | readonly OwnArray[] | Readonly<Record<string, OwnArray>>;

/** Examples of one's own, in memory. Labels of integers, `[n]`, are classes. */
export interface OwnExamples extends Pick<ArraysOptions, 'classes' | 'scale'> {
  readonly inputs: OwnArrays;
  readonly labels: OwnArrays;
  readonly weights?: OwnArray;
}

export const bad = (name: string, what: string, remedy: string): DatasetError =>
  new DatasetError('bad-file', `${name} ${what}.`, { remedy });

export const wanted =
  'Give { inputs, labels } of { shape, values }, or { train, validation, test }: each such arrays, a tf.data.Dataset of batches, or (epoch) => batches.';

/** Numbers of any type as those that batches are made of. */
function usual(values: OwnArray['values']): OwnArray['values'] {
  if (values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array)
    return values;
  const given = values as unknown;
  if (given instanceof Float64Array) return Float32Array.from(given);
  if (given instanceof Uint8ClampedArray) return Uint8Array.from(given);
  return Int32Array.from(given as ArrayLike<number | bigint>, Number);
}

const isArray = (value: unknown): value is OwnArray =>
  typeof value === 'object' &&
  value !== null &&
  ArrayBuffer.isView((value as OwnArray).values) &&
  !((value as { values: unknown }).values instanceof DataView) &&
  Array.isArray((value as OwnArray).shape);
export const isExamples = (value: unknown): value is OwnExamples =>
  typeof value === 'object' && value !== null && 'inputs' in value && 'labels' in value;

function namedArrays(name: string, key: string, given: OwnArrays): NamedArray[] {
  if (isArray(given)) return [{ ...given, values: usual(given.values), from: `${name}: ${key}` }];
  const entries = Object.entries(given ?? {});
  if (entries.length === 0 || !entries.every(([, one]) => isArray(one)))
    throw bad(name, `gives no arrays as ${key}`, wanted);
  return entries.map(([at, one]) => ({
    ...(!Array.isArray(given) && { name: at }),
    ...(one as OwnArray),
    values: usual((one as OwnArray).values),
    from: `${name}: ${key}.${at}`,
  }));
}

/** Somebody's arrays as examples. @throws DatasetError `bad-file` for what is none */
export function examplesOf(name: string, { inputs, labels, classes, weights }: OwnExamples): Examples {
  return examplesOfArrays(namedArrays(name, 'inputs', inputs), namedArrays(name, 'labels', labels), {
    ...(classes !== undefined && { classes }),
    weights: weights && { ...weights, values: usual(weights.values), from: `${name}: weights` },
  });
}
