import type { Batch, Data, Tensors } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type DataSource, type Described, inMemory } from '../data-source.js';
import { type DataPart, parts } from '../divide.js';
import { DatasetError } from '../errors.js';
import type { Examples } from '../examples.js';
import { fingerprintOf } from '../fingerprint.js';
import type { NamedArray } from './array-files.js';
import { type ArraysOptions, divided, examplesOfArrays } from './arrays.js';
import type { FactoryContext } from './built-in.js';

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

/** A `tf.data.Dataset` whose elements are batches: `{ xs, ys }`, or `{ inputs, labels }`. */
export interface OwnDataset {
  iterator(): Promise<{ next(): Promise<IteratorResult<unknown>> }>;
}

/** Batches of one's own, for an epoch. */
export type OwnBatches = (epoch: number) => Iterable<Batch> | AsyncIterable<Batch>;

/** What a part may be: arrays, a `tf.data.Dataset` of batches, a function of the epoch, or what `@espalier/core` calls `Data`. */
export type OwnPart = OwnExamples | OwnDataset | OwnBatches | Data;

/** What a factory of one's own may give: examples that are divided here, or a source for each part. */
export type OwnSource =
  | OwnExamples
  | {
      readonly train: OwnPart;
      readonly validation?: OwnPart;
      readonly test?: OwnPart;
      readonly classes?: readonly string[];
    };

const bad = (name: string, what: string, remedy: string): DatasetError =>
  new DatasetError('bad-file', `${name} ${what}.`, { remedy });

const wanted =
  'Give { inputs, labels } of { shape, values }, or { train, validation, test }: each such arrays, a tf.data.Dataset of batches, or (epoch) => batches.';

const isArray = (value: unknown): value is OwnArray =>
  typeof value === 'object' &&
  value !== null &&
  ArrayBuffer.isView((value as OwnArray).values) &&
  Array.isArray((value as OwnArray).shape);
const isExamples = (value: unknown): value is OwnExamples =>
  typeof value === 'object' && value !== null && 'inputs' in value && 'labels' in value;

function namedArrays(name: string, key: string, given: OwnArrays): NamedArray[] {
  if (isArray(given)) return [{ ...given, from: `${name}: ${key}` }];
  const entries = Object.entries(given ?? {});
  if (entries.length === 0 || !entries.every(([, one]) => isArray(one)))
    throw bad(name, `gives no arrays as ${key}`, wanted);
  return entries.map(([at, one]) => ({
    ...(!Array.isArray(given) && { name: at }),
    ...(one as OwnArray),
    from: `${name}: ${key}.${at}`,
  }));
}

function examplesOf(name: string, { inputs, labels, classes, weights }: OwnExamples): Examples {
  return examplesOfArrays(namedArrays(name, 'inputs', inputs), namedArrays(name, 'labels', labels), {
    ...(classes !== undefined && { classes }),
    weights: weights && { ...weights, from: `${name}: weights` },
  });
}

/** An element of a dataset as a batch. */
function batchOf(name: string, value: unknown): Batch {
  const { xs, ys, inputs = xs, labels = ys, weights } = (value ?? {}) as Record<string, unknown>;
  const isTensors = (given: unknown): given is Tensors =>
    given instanceof tf.Tensor ||
    (typeof given === 'object' &&
      given !== null &&
      Object.values(given).length > 0 &&
      Object.values(given).every((one) => one instanceof tf.Tensor));
  if (!isTensors(inputs) || !isTensors(labels))
    throw bad(
      name,
      'gives something that is no batch',
      'A batch is { inputs, labels }, or { xs, ys }, of tensors.',
    );
  return { inputs, labels, ...(weights instanceof tf.Tensor && { weights }) };
}

/** Batches by and by, of whatever gives them. */
async function* batchesOf(name: string, part: OwnDataset | OwnBatches, epoch: number): AsyncGenerator<Batch> {
  if (typeof part === 'function') {
    for await (const value of part(epoch)) yield batchOf(name, value);
    return;
  }
  const iterator = await part.iterator();
  for (let next = await iterator.next(); !next.done; next = await iterator.next())
    yield batchOf(name, next.value);
}

const listOf = (tensors: Tensors): [string | undefined, tf.Tensor][] =>
  tensors instanceof tf.Tensor
    ? [[undefined, tensors]]
    : Array.isArray(tensors)
      ? tensors.map((tensor) => [undefined, tensor])
      : Object.entries(tensors);

const describe = (tensors: Tensors): Described[] =>
  listOf(tensors).map(([name, { shape }]) => ({
    ...(name !== undefined && { name }),
    shape: shape.slice(1),
  }));

const disposeBatch = ({ inputs, labels, weights }: Batch): void =>
  tf.dispose(weights ? [inputs, labels, weights] : [inputs, labels]);

interface Counted {
  readonly data: Data;
  readonly inputs: readonly Described[];
  readonly labels: readonly Described[];
}

/** Looks through an epoch once: what batches are like, and how many there are. */
async function counted(name: string, part: OwnPart): Promise<Counted> {
  if (typeof part !== 'function' && 'batches' in part && part.stepsPerEpoch >= 1) {
    for await (const batch of part.batches(0)) {
      const found = { data: part, inputs: describe(batch.inputs), labels: describe(batch.labels) };
      disposeBatch(batch);
      return found;
    }
    throw bad(name, 'gives no batch', 'Give batches for each epoch.');
  }
  if (typeof part !== 'function' && typeof (part as OwnDataset)?.iterator !== 'function')
    throw bad(name, 'is no source of data', wanted);
  const given = part as OwnDataset | OwnBatches;
  let [size, stepsPerEpoch] = [0, 0];
  let first: Pick<Counted, 'inputs' | 'labels'> | undefined;
  for await (const batch of batchesOf(name, given, 0)) {
    first ??= { inputs: describe(batch.inputs), labels: describe(batch.labels) };
    size += listOf(batch.labels)[0][1].shape[0];
    stepsPerEpoch++;
    disposeBatch(batch);
  }
  if (first === undefined)
    throw bad(
      name,
      'gives no batch',
      'Give batches for each epoch; a generator is used up after one: give a function.',
    );
  const data: Data = {
    size,
    stepsPerEpoch,
    repeatable: false,
    batches: (epoch) => batchesOf(name, given, epoch),
  };
  return { ...first, data };
}

/**
 * A source of what somebody's factory has given. Arrays are divided and cut as those of files are. A `tf.data.Dataset` or a
 * function keeps its own batches and its own order, which nobody here can promise to be the same again.
 *
 * @throws DatasetError `bad-file` for what is no source
 */
export async function fromOwn(
  given: OwnSource,
  name: string,
  { seed = 0 }: FactoryContext = {},
): Promise<DataSource> {
  if (isExamples(given)) {
    const examples = examplesOf(name, given);
    const { scale } = given;
    const fingerprint = fingerprintOf([examples]);
    return inMemory({
      name,
      notes: [],
      fingerprint,
      parts: divided(examples, { seed }),
      ...(scale && { scale }),
    });
  }
  if (typeof given !== 'object' || given === null || !('train' in given))
    throw bad(name, 'gives no data', wanted);
  if (parts.every((part) => isExamples(given[part]))) {
    const each = Object.fromEntries(
      parts.map((part) => [part, examplesOf(`${name}: ${part}`, given[part] as OwnExamples)]),
    ) as Record<DataPart, Examples>;
    const { scale } = given.train as OwnExamples;
    return inMemory({
      name,
      notes: [],
      fingerprint: fingerprintOf(Object.values(each)),
      parts: each,
      ...(scale && { scale }),
    });
  }
  const train = await counted(`${name}: train`, given.train as OwnPart);
  const all: Record<DataPart, Data | undefined> = {
    train: train.data,
    validation: undefined,
    test: undefined,
  };
  for (const part of ['validation', 'test'] as const) {
    const one = given[part];
    if (one !== undefined) all[part] = (await counted(`${name}: ${part}`, one)).data;
  }
  const { classes } = given;
  return {
    name,
    inputs: train.inputs,
    labels: train.labels.map((label) =>
      classes?.length === label.shape.at(-1) ? { ...label, classes: classes! } : label,
    ),
    notes: [
      `${train.data.size} examples in ${train.data.stepsPerEpoch} batches an epoch, in an order of their own`,
    ],
    repeatable: parts.every((part) => all[part]?.repeatable !== false),
    batches(part) {
      const data = all[part];
      if (data) return data;
      throw bad(name, `gives no data for ${part}`, 'Give { train, validation, test }.');
    },
  };
}
