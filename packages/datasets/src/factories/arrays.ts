import type { Scale } from '../cut.js';
import { type DataSource, inMemory } from '../data-source.js';
import { type DataPart, parts, type Shares } from '../divide.js';
import { checkOptions, DatasetError } from '../errors.js';
import { type Column, type Examples, sizeOf, takeExamples } from '../examples.js';
import { fingerprintOf } from '../fingerprint.js';
import { byPart, checkSameParts, checkShares, divideRest, type Parted, placesOf } from '../parted.js';
import { type ArrayFiles, type NamedArray, readParts } from './array-files.js';
import type { FactoryContext } from './built-in.js';

/** Options of {@link fromArrays}. */
export interface ArraysOptions extends Omit<Shares, 'seed'> {
  /** `.npy`, `.npz`, `.safetensors`: the first axis counts the examples. Or those of each part. */
  readonly inputs: Parted<ArrayFiles>;
  /** As `inputs`; integers `[n]` are classes, and so are floats where `classes` says how many there are. */
  readonly labels: Parted<ArrayFiles>;
  /** How many classes there are, or their names. Default: as many as occur. */
  readonly classes?: number | readonly string[];
  /** How much each example counts: an array `[n]`. */
  readonly weights?: Parted<string>;
  /** Of bytes. */
  readonly scale?: Scale;
}

const bad = (what: string, remedy: string): DatasetError =>
  new DatasetError('bad-file', `${what}.`, { remedy });

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

/** Whole numbers as classes. @throws DatasetError `bad-file` for labels out of range */
function classColumn({ values, from, name }: NamedArray, classes: ArraysOptions['classes']): Column {
  const count = typeof classes === 'object' ? classes.length : (classes ?? largest(values) + 1);
  const at = (values as Int32Array).findIndex(
    (value) => !(Number.isInteger(value) && value >= 0 && value < count),
  );
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
  if (weights) {
    const valid = weights.shape.length === 1 && weights.values.every((w) => w >= 0 && Number.isFinite(w));
    if (!valid || weights.values.every((w) => w === 0))
      throw bad(
        `${weights.from} is no list of weights`,
        'Give one finite number >= 0 for each example, not all of them 0.',
      );
  }
  const isClasses = ({ shape, values }: NamedArray): boolean =>
    shape.length === 1 && (!(values instanceof Float32Array) || classes !== undefined);
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
export function divided(
  examples: Examples,
  shares: Shares,
  given: Record<DataPart, readonly number[]> = placesOf([['train', examples.size]]),
): Record<DataPart, Examples> {
  const [label] = examples.labels;
  const classes = examples.labels.length === 1 && label.classes ? label.values : undefined;
  const indices = divideRest(given, shares, classes);
  return Object.fromEntries(parts.map((part) => [part, takeExamples(examples, indices[part])])) as Record<
    DataPart,
    Examples
  >;
}

/** What a source is called that is of these files. */
const calledAs = (files: ArrayFiles): string =>
  typeof files === 'string' ? files : Object.values(files).join(' and ');

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
  checkSameParts(options.inputs, options.labels, 'inputs and labels');
  if (options.weights !== undefined) checkSameParts(options.inputs, options.weights, 'inputs and weights');
  checkShares(options.inputs, options);
  const inputs = await readParts(options.inputs, folder);
  const labels = await readParts(options.labels, folder);
  const weights = options.weights === undefined ? undefined : await readParts(options.weights, folder);
  for (const other of [labels, ...(weights ? [weights] : [])]) {
    for (const [i, [part, count]] of inputs.counts.entries()) {
      const theirs = other.counts[i][1];
      if (theirs === count || inputs.counts.length === 1) continue;
      throw bad(
        `${inputs.arrays[0].from} has ${count} examples for ${part}, ${other.arrays[0].from} has ${theirs}`,
        'The first axis counts them: it has to be the same.',
      );
    }
  }
  const examples = examplesOfArrays(inputs.arrays, labels.arrays, {
    ...(classes !== undefined && { classes }),
    weights: weights?.arrays[0],
  });
  return inMemory({
    name: byPart(options.inputs)
      .map(([, files]) => calledAs(files))
      .join(' and '),
    notes: [],
    fingerprint: fingerprintOf([examples]),
    parts: divided(examples, { ...options, seed }, placesOf(inputs.counts)),
    ...(scale && { scale }),
  });
}
