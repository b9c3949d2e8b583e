import { EspalierError } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Examples } from '../model/model.js';
import { argMax, type Output } from './fidelity.js';

/** Examples whose classes are known. */
export interface Labelled {
  /** A tensor per input of the model, the first axis counts examples. */
  readonly inputs: Examples;
  /** The class of each: a number, or a row with its greatest value there. */
  readonly labels: tf.Tensor;
}

/** How often the greatest output is the right one. */
export interface Accuracy {
  /** Of the original and of the file, from 0 to 1. */
  readonly before: number;
  readonly after: number;
  /** In percentage points: 98.4 % before and 97.9 after are 0.5. Below 0 where the file is right more often. */
  readonly lost: number;
  /** On how many examples, which nothing was chosen by. */
  readonly examples: number;
}

/** Known classes, and how often outputs have them. */
export class Classes {
  readonly #labels: tf.TypedArray;
  readonly #labelShape: readonly number[];
  /** Which classes of the original are right. */
  readonly #before: readonly boolean[];

  /** @throws EspalierError `invalid-option` where the outputs are no classes; `shape-mismatch` for labels of other examples */
  constructor(labels: tf.Tensor, original: readonly Output[]) {
    this.#labels = labels.dataSync();
    this.#labelShape = labels.shape;
    this.#before = this.#right(original);
  }

  /** How a model with these outputs does. */
  accuracy(outputs: readonly Output[]): Accuracy {
    const after = this.#right(outputs);
    const count = after.length;
    const [a, b] = [this.#before, after].map((right) => right.filter(Boolean).length);
    return { before: a / count, after: b / count, lost: (100 * (a - b)) / count, examples: count };
  }

  /**
   * The points that it loses, and as many more as chance may hide: one standard deviation of the difference of examples that are gained
   * and lost, which other examples would not be the same of.
   */
  surelyLost(outputs: readonly Output[]): number {
    const after = this.#right(outputs);
    const changed = after.filter((right, i) => right !== this.#before[i]).length;
    return this.accuracy(outputs).lost + (100 * Math.sqrt(changed)) / after.length;
  }

  #right(outputs: readonly Output[]): boolean[] {
    const [output] = outputs;
    if (outputs.length !== 1 || !output) {
      throw new EspalierError(
        'invalid-option',
        `compress: accuracy is of one output with classes; the model has ${outputs.length}.`,
        { remedy: 'Ask for quality.' },
      );
    }
    const { shape, values } = output;
    const classes = shape.length > 1 ? (shape.at(-1) as number) : 1;
    const rows = values.length / Math.max(1, classes);
    const known = Math.max(2, classes);
    const wide = this.#labelShape.length > 1 && this.#labelShape.at(-1) === known;
    const width = wide ? known : 1;
    // A model that takes so many examples at a time leaves the rest out.
    if (this.#labels.length < rows * width || (this.#labelShape[0] ?? 0) < (shape[0] ?? 1)) {
      throw new EspalierError(
        'shape-mismatch',
        `There are labels [${this.#labelShape}] for outputs [${shape}].`,
        { remedy: 'Give the number of its class for each example, or a row with a 1 there.' },
      );
    }
    const odd = this.#labels.findIndex(
      (label) => !wide && !(Number.isInteger(label) && label >= 0 && label < known),
    );
    if (odd >= 0) {
      throw new EspalierError(
        'invalid-option',
        `compress: label ${this.#labels[odd]} is none of ${known} classes.`,
        {
          remedy: `Give whole numbers from 0 to ${known - 1}, or rows of ${known}; of numbers ask for quality.`,
        },
      );
    }
    // A single value says one of two: a probability, or its logit.
    const middle = values.every((v) => v >= 0 && v <= 1) ? 0.5 : 0;
    return Array.from({ length: rows }, (_, row) => {
      const label = wide ? greatest(this.#labels, row, width) : this.#labels[row];
      return (
        label === (classes > 1 ? greatest(values, row, classes) : Number((values[row] as number) > middle))
      );
    });
  }
}

/** Which value of a row is the greatest; -1 where one is no number. */
function greatest(values: tf.TypedArray, row: number, width: number): number {
  const own = values.subarray(row * width, (row + 1) * width);
  return own.some(Number.isNaN) ? -1 : argMax(own, 0, width);
}
