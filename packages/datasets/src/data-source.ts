import type { Data } from '@espalier/core';
import { cut, cutAhead, type Scale, type Shift } from './cut.js';
import type { DataPart } from './divide.js';
import { DatasetError } from './errors.js';
import { type Column, type Examples, sizeOf } from './examples.js';

/** What a source has for an input or an output of a model. */
export interface Described {
  /** Of which; absent where they go by their order. */
  readonly name?: string;
  /** As the batches have it, for one example: of classes, the one-hot row. */
  readonly shape: readonly number[];
  /** Of labels that are classes: their names. */
  readonly classes?: readonly string[];
  /** Of labels that are known to be numbers. */
  readonly numbers?: boolean;
}

/** How a part of a source is cut into batches. */
export interface BatchesOptions {
  /** Examples per batch, at least 1. Sources that bring batches keep theirs. */
  readonly batchSize: number;
  /** The seed of a new order for each epoch, or `false` for the order of the data. */
  readonly shuffle?: number | false;
  /** One example's shape of each input, as a model wants it: of as many elements. */
  readonly shapes?: readonly (readonly number[])[];
}

/** A data set, loaded: what a factory makes. */
export interface DataSource {
  readonly name: string;
  readonly inputs: readonly Described[];
  readonly labels: readonly Described[];
  /** What a person should know of it, a line each: the types that were found, what was left out. */
  readonly notes: readonly string[];
  /** How its examples became numbers, as JSON: kept with a model, for whoever runs it. */
  readonly encoding?: Readonly<Record<string, unknown>>;
  /** Is it text for the next character, so that a loss of 1 nat is 1 / ln 2 bits for each character? */
  readonly characters?: boolean;
  /** False where the same epoch need not give the same batches again. */
  readonly repeatable: boolean;
  /** A word that is another one when the data are others; absent where nobody can know. */
  readonly fingerprint?: string;
  /** The examples of a part; undefined where the source has none of it. */
  batches(part: DataPart, options: BatchesOptions): Data;
}

/** Numbers of a source's one input that are made in threads of their own. */
export interface Prepared {
  readonly workers: number;
  /** Those of the chosen examples of a part, a function of this alone. */
  numbersOf(part: DataPart, seed: number, epoch: number, chosen: Uint32Array): Promise<Float32Array>;
}

/** What of a source in memory is the same for all its batches. */
export interface InMemory extends Omit<DataSource, 'inputs' | 'labels' | 'batches' | 'repeatable'> {
  readonly parts: Readonly<Record<DataPart, Examples>>;
  /** Of bytes. Default `unit`. */
  readonly scale?: Scale;
  /** Random moves of the training examples' first input, by the seed of the order. */
  readonly shift?: ((seed: number) => Shift) | undefined;
  /** Where batches are prepared ahead of those who take them. */
  readonly prepared?: Prepared;
}

function described({ name, shape, classes }: Column): Described {
  return {
    ...(name !== undefined && { name }),
    shape: classes === undefined ? shape : [classes.length],
    ...(classes && { classes }),
  };
}

/** Do bytes hold what batches need? Scaled ones alone are floats in [0, 1]. */
function scaleOf({ values }: Column, scale: Scale | undefined): Scale {
  return values instanceof Uint8Array ? (scale ?? 'unit') : 'none';
}

/** @throws DatasetError `bad-file` for a class that nothing can be learned of */
function checkLearnable(name: string, { labels }: Examples): void {
  for (const { classes = [], values } of labels) {
    const seen = new Set(values);
    const lacking = classes.find((_, i) => !seen.has(i));
    if (lacking === undefined) continue;
    throw new DatasetError(
      'bad-file',
      `${name}: the class '${lacking}' has no example in the training split.`,
      {
        remedy: 'Give more examples of each class, or leave the class out.',
      },
    );
  }
}

/**
 * A source of examples in memory.
 *
 * @throws DatasetError `bad-file` for a class without an example to learn from
 */
export function inMemory({ parts, scale, shift, prepared, ...rest }: InMemory): DataSource {
  checkLearnable(rest.name, parts.train);
  const { inputs, labels } = parts.train;
  return {
    ...rest,
    inputs: inputs.map(described),
    labels: labels.map((column) => ({ ...described(column), numbers: column.classes === undefined })),
    repeatable: true,
    batches(part, { batchSize, shuffle = false, shapes }) {
      const seed = shuffle === false ? 0 : shuffle;
      const training = part === 'train';
      const fits = shapes?.every((shape, i) => inputs[i] && sizeOf(shape) === sizeOf(inputs[i].shape));
      const options = {
        batchSize,
        shuffle,
        scale: scaleOf(inputs[0], scale),
        ...(shapes && fits && { shapes }),
        shift: training ? shift?.(seed) : undefined,
      };
      if (prepared === undefined) return cut(parts[part], options);
      const depth = { workers: prepared.workers, goesOn: training };
      return cutAhead(parts[part], options, depth, (chosen, epoch) =>
        prepared.numbersOf(part, seed, epoch, chosen),
      );
    },
  };
}
