import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Examples, InputSpec } from '../model/model.js';

/** Batches of a model that takes so many examples at a time and no others: three to learn from, one to measure on. */
const leastBatches = 4;

const isFixed = ({ shape }: InputSpec): boolean => shape[0] > 0;

/** Rows of each input that are computed at a time: its own number where that is fixed, else `size`, or the least fixed one. */
function rowsOf(inputs: readonly InputSpec[], size: number): number[] {
  const least = inputs
    .filter(isFixed)
    .reduce((n, { shape }) => Math.min(n, shape[0]), Number.POSITIVE_INFINITY);
  const others = Number.isFinite(least) ? least : size;
  return inputs.map((input) => (isFixed(input) ? input.shape[0] : others));
}

/** How many rows of each input make at least `count` examples, in whole batches where their size is fixed. */
export function rowsFor(inputs: readonly InputSpec[], count: number): number[] {
  if (!inputs.some(isFixed)) return inputs.map(() => count);
  const rows = rowsOf(inputs, 1);
  const batches = Math.max(Math.min(count, leastBatches), Math.ceil(count / Math.min(...rows)));
  return rows.map((n) => n * batches);
}

const part = (examples: Examples, starts: readonly number[], counts: readonly number[]): Examples =>
  examples.map((tensor, i) =>
    tf.slice(
      tensor,
      [starts[i], ...tensor.shape.slice(1).map(() => 0)],
      [counts[i], ...tensor.shape.slice(1)],
    ),
  );

/**
 * The last quarter of the examples apart, in whole batches where their size is fixed; undefined of fewer than four.
 *
 * @throws EspalierError `shape-mismatch`
 */
export function splitExamples(
  inputs: readonly InputSpec[],
  examples: Examples,
): [Examples, Examples | undefined] {
  check(inputs, examples);
  const rows = inputs.some(isFixed) ? rowsOf(inputs, 1) : inputs.map(() => 1);
  const count = Math.min(...examples.map(({ shape }, i) => Math.floor((shape[0] ?? 0) / (rows[i] ?? 1))));
  const last = Math.floor(count / 4);
  if (!(last > 0) || !Number.isFinite(last)) return [examples, undefined];
  const starts = rows.map((n) => n * (count - last));
  return [
    part(
      examples,
      rows.map(() => 0),
      starts,
    ),
    part(
      examples,
      starts,
      rows.map((n) => n * last),
    ),
  ];
}

/** @throws EspalierError `shape-mismatch` unless there is a tensor of the right shape and type for each input */
function check(inputs: readonly InputSpec[], examples: Examples): void {
  if (examples.length !== inputs.length) {
    throw new EspalierError(
      'shape-mismatch',
      `The model has ${inputs.length} inputs; ${examples.length} are given.`,
    );
  }
  for (const [i, { name, shape }] of inputs.entries()) {
    const given = examples[i].shape;
    const fits =
      given.length === shape.length && shape.every((n, axis) => axis === 0 || n < 0 || n === given[axis]);
    if (!fits) {
      throw new EspalierError(
        'shape-mismatch',
        `Input ${name} takes [${shape}]; examples of [${given}] are given.`,
        { remedy: 'The first axis counts examples.' },
      );
    }
  }
}

/**
 * Cuts examples into batches; the caller disposes them.
 *
 * @throws EspalierError `shape-mismatch`
 */
export function batchesOf(inputs: readonly InputSpec[], examples: Examples, size: number): Examples[] {
  check(inputs, examples);
  if (inputs.length === 0) return [[]];
  const rows = rowsOf(inputs, size);
  const fixed = inputs.some(isFixed);
  const counts = examples.map(({ shape }, i) => (fixed ? Math.floor(shape[0] / rows[i]) : shape[0]));
  const uneven = counts.findIndex((count) => count !== counts[0]);
  if (uneven > 0) {
    const told = [0, uneven].map((i) => `${examples[i].shape[0]} of ${inputs[i].name}`);
    throw new EspalierError('shape-mismatch', `There are ${told.join(' and ')}.`, {
      remedy: 'All inputs have equally many examples.',
    });
  }
  if (counts[0] === 0) {
    const given = examples[0].shape[0];
    throw new EspalierError(
      'shape-mismatch',
      fixed
        ? `Input ${inputs[0].name} takes ${rows[0]} examples at a time; ${given} are given.`
        : 'There are no examples.',
      { remedy: `Give ${fixed ? rows[0] : 1} at least, better many.` },
    );
  }
  const batches: Examples[] = [];
  const step = fixed ? 1 : size;
  for (let at = 0; at < counts[0]; at += step) {
    const length = Math.min(step, counts[0] - at);
    batches.push(
      part(
        examples,
        rows.map((n) => (fixed ? n * at : at)),
        rows.map((n) => (fixed ? n : length)),
      ),
    );
  }
  return batches;
}

/** The first rows of a batch, where the model takes any number; else the batch itself. */
export function firstOf(inputs: readonly InputSpec[], batch: Examples, count: number): Examples {
  if (batch.length === 0 || inputs.some(isFixed) || !((batch[0].shape[0] ?? 0) > count)) return batch;
  return part(
    batch,
    batch.map(() => 0),
    batch.map(() => Math.max(1, Math.floor(count))),
  );
}
