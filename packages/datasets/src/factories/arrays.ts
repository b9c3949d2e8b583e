import { resolve } from 'node:path';
import { readArrays } from '@espalier/formats';
import type { Scale } from '../cut.js';
import { type DataSource, inMemory } from '../data-source.js';
import { type DataPart, divide, parts, type Shares } from '../divide.js';
import { checkOptions, DatasetError, suggest } from '../errors.js';
import { type Column, type Examples, sizeOf, takeExamples } from '../examples.js';
import { fingerprintOf } from '../fingerprint.js';
import { steadily } from '../steady.js';
import type { FactoryContext } from './built-in.js';

/** A file of arrays, or one array of it as `file.npz#name`; several in the model's order, or by the names of its inputs or outputs. */
export type ArrayFiles = string | readonly string[] | Readonly<Record<string, string>>;

/** Options of {@link fromArrays}. */
export interface ArraysOptions extends Omit<Shares, 'seed'> {
  /** `.npy`, `.npz`, `.safetensors`: the first axis counts the examples. */
  readonly inputs: ArrayFiles;
  /** As `inputs`; integers `[n]` are classes. */
  readonly labels: ArrayFiles;
  /** How many classes there are, or their names. Default: as many as occur. */
  readonly classes?: number | readonly string[];
  /** How much each example counts: an array `[n]`. */
  readonly weights?: string;
  /** Of bytes. */
  readonly scale?: Scale;
}

/** An array with all its examples. */
export interface NamedArray {
  readonly name?: string;
  /** The first axis counts the examples. */
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** For messages: where it is from. */
  readonly from: string;
}

const bad = (what: string, remedy: string): DatasetError =>
  new DatasetError('bad-file', `${what}.`, { remedy });

async function arraysOf(given: ArrayFiles, folder: string): Promise<NamedArray[]> {
  if (Array.isArray(given)) return (await Promise.all(given.map((one) => arraysOf(one, folder)))).flat();
  if (typeof given === 'object') {
    const entries = Object.entries(given as Readonly<Record<string, string>>);
    const read = await Promise.all(entries.map(([, one]) => arraysOf(one, folder)));
    return read.map((found, i) => {
      if (found.length === 1) return { ...found[0], name: entries[i][0] };
      throw bad(
        `${entries[i][1]} holds ${found.length} arrays`,
        `Say which: ${entries[i][1]}#${found[0].name}.`,
      );
    });
  }
  const [path, wanted] = (given as string).split('#');
  const found = await steadily(resolve(folder, path), readArrays);
  if (wanted !== undefined) {
    const array = found.get(wanted);
    if (array) return [{ ...array, from: given as string }];
    throw new DatasetError('unknown-name', `${path} has no array '${wanted}'.`, {
      remedy: suggest(wanted, [...found.keys()]),
    });
  }
  const named = found.size > 1;
  return [...found].map(([name, array]) => ({
    ...(named && { name }),
    ...array,
    from: named ? `${path}#${name}` : path,
  }));
}

/** @throws DatasetError `bad-file` for a number that is none */
function checkFinite({ values, shape, from }: NamedArray): void {
  if (!(values instanceof Float32Array)) return;
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const each = sizeOf(shape.slice(1));
  throw bad(
    `${from}: example ${Math.floor(at / each)} holds ${values[at]}`,
    'Replace or leave out what is not finite.',
  );
}

function largest(values: ArrayLike<number>): number {
  let most = -1;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
  return most;
}

/** Integers as classes. @throws DatasetError `bad-file` for labels out of range */
function classColumn({ values, from, name }: NamedArray, classes: ArraysOptions['classes']): Column {
  const count = typeof classes === 'object' ? classes.length : (classes ?? largest(values) + 1);
  const at = (values as Int32Array).findIndex((value) => value < 0 || value >= count);
  if (at >= 0) {
    throw bad(
      `${from}: the label of example ${at} is ${values[at]}; there are ${count} classes, from 0`,
      'Number the classes from 0, and let classes say how many there are (or their names).',
    );
  }
  const seen = new Set(values);
  const names = typeof classes === 'object' ? classes : Array.from({ length: count }, (_, i) => String(i));
  const empty = names.findIndex((_, i) => !seen.has(i));
  if (empty >= 0)
    throw bad(`${from}: the class ${names[empty]} has no example`, 'Number the classes from 0 without gaps.');
  return { ...(name !== undefined && { name }), shape: [], values: Int32Array.from(values), classes: names };
}

function columnOf(array: NamedArray): Column {
  const { name, shape, values } = array;
  checkFinite(array);
  return { ...(name !== undefined && { name }), shape: shape.slice(1), values };
}

/**
 * Examples of arrays in memory, divided into parts.
 *
 * @throws DatasetError `bad-file` for shapes that disagree, numbers that are not finite, labels out of range
 */
export function examplesOfArrays(
  inputs: readonly NamedArray[],
  labels: readonly NamedArray[],
  {
    classes,
    weights,
  }: { readonly classes?: ArraysOptions['classes']; readonly weights?: NamedArray | undefined } = {},
): Examples {
  const all = [...inputs, ...labels, ...(weights ? [weights] : [])];
  const [first] = all;
  for (const { shape, values, from } of all) {
    if (shape.length === 0 || shape[0] === 0)
      throw bad(`${from} holds no examples`, 'The first axis counts them.');
    if (sizeOf(shape) !== values.length)
      throw bad(`${from}: its shape [${shape}] is not that of ${values.length} values`, 'Correct it.');
    if (shape[0] !== first.shape[0]) {
      throw bad(
        `${first.from} has ${first.shape[0]} examples, ${from} has ${shape[0]}`,
        'The first axis counts them: it has to be the same.',
      );
    }
  }
  if (weights && (weights.shape.length !== 1 || weights.values.some((w) => !(w >= 0)))) {
    throw bad(`${weights.from} is no list of weights`, 'Give one number >= 0 for each example.');
  }
  const isClasses = ({ shape, values }: NamedArray): boolean =>
    shape.length === 1 && !(values instanceof Float32Array);
  return {
    size: first.shape[0],
    inputs: inputs.map(columnOf),
    labels: labels.map((label) =>
      isClasses(label)
        ? classColumn(label, classes)
        : columnOf(label.shape.length === 1 ? { ...label, shape: [label.shape[0], 1] } : label),
    ),
    ...(weights && { weights: Float32Array.from(weights.values) }),
  };
}

/** Divides examples, each class in proportion where there is one label of classes. */
export function divided(examples: Examples, shares: Shares): Record<DataPart, Examples> {
  const [label] = examples.labels;
  const classes = examples.labels.length === 1 && label.classes ? label.values : undefined;
  const indices = divide(examples.size, shares, classes);
  return Object.fromEntries(parts.map((part) => [part, takeExamples(examples, indices[part])])) as Record<
    DataPart,
    Examples
  >;
}

/**
 * Examples out of files of arrays.
 *
 * @throws DatasetError `not-found`, `bad-file`, `unknown-name`, `unknown-option`, `invalid-option`; EspalierError of the formats
 */
export async function fromArrays(
  options: ArraysOptions,
  { seed = 0, folder = '.' }: FactoryContext = {},
): Promise<DataSource> {
  checkOptions('arrays', options, ['inputs', 'labels', 'classes', 'weights', 'scale', 'validation', 'test']);
  const { classes, scale } = options;
  const weights = options.weights === undefined ? undefined : (await arraysOf(options.weights, folder))[0];
  const examples = examplesOfArrays(
    await arraysOf(options.inputs, folder),
    await arraysOf(options.labels, folder),
    {
      ...(classes !== undefined && { classes }),
      weights,
    },
  );
  return inMemory({
    name: typeof options.inputs === 'string' ? options.inputs : Object.values(options.inputs).join(' and '),
    notes: [],
    fingerprint: fingerprintOf([examples]),
    parts: divided(examples, { ...options, seed }),
    ...(scale && { scale }),
  });
}
