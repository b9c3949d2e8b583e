import type { Batch, Data, Tensors } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type DataSource, type Described, inMemory } from '../data-source.js';
import { type DataPart, parts } from '../divide.js';
import type { Examples } from '../examples.js';
import { fingerprintOf } from '../fingerprint.js';
import { divided } from './arrays.js';
import type { FactoryContext } from './built-in.js';
import { bad, examplesOf, isExamples, type OwnExamples, wanted } from './own-arrays.js';

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
  if (weights !== undefined && !(weights instanceof tf.Tensor))
    throw bad(name, 'gives weights that are no tensor', 'Give one number >= 0 for each example, [n].');
  const all = [
    ...listOf(inputs),
    ...listOf(labels),
    ...(weights instanceof tf.Tensor ? [[undefined, weights] as [undefined, tf.Tensor]] : []),
  ];
  const counts = new Set(all.map(([, { shape }]) => shape[0]));
  if (counts.size > 1 || counts.has(undefined as never)) {
    throw bad(
      name,
      `gives a batch whose tensors have ${[...counts].map((n) => n ?? 'no').join(' and ')} examples`,
      'The first axis counts them: it has to be the same of all tensors of a batch.',
    );
  }
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

const told = (parts: readonly Described[]): string => parts.map(({ shape }) => `[${shape}]`).join(' and ');

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
    const found = { inputs: describe(batch.inputs), labels: describe(batch.labels) };
    first ??= found;
    if (JSON.stringify(found) !== JSON.stringify(first)) {
      disposeBatch(batch);
      throw bad(
        name,
        `gives a batch of ${told(found.inputs)} and ${told(found.labels)} after one of ${told(first.inputs)} and ${told(first.labels)}`,
        'All examples have the same shapes.',
      );
    }
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
