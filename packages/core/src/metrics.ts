/** What is measured in an epoch of training. */
export interface EpochMetrics {
  /** 0-based. */
  readonly epoch: number;
  /** Mean training loss over the epoch, penalties included. */
  readonly loss: number;
  /** The part of the loss that regularizers added. */
  readonly penalty: number;
  readonly learningRate: number;
  readonly validationLoss?: number;
  /** Fraction in [0, 1]. */
  readonly validationAccuracy?: number;
  /** The metrics that were asked for, on the validation data: by name, of several outputs by `output/name` too. */
  readonly validationMetrics?: Readonly<Record<string, number>>;
  /** Fraction of all parameters that are exactly 0, in [0, 1]. */
  readonly sparsity: number;
  /** What the model would take if training ended here, in bytes, where it is steered to a size. */
  readonly bytes?: number;
  readonly seconds: number;
  /** Of these, the seconds in which training waited for batches. */
  readonly wait?: number;
}

/** A number of an epoch by its name; undefined where it has none. */
export function epochValue(epoch: EpochMetrics, name: string): number | undefined {
  if (name === 'loss' || name === 'validationLoss' || name === 'validationAccuracy') return epoch[name];
  // A number that JSON does not have comes back from a checkpoint as null.
  return epoch.validationMetrics?.[name] ?? undefined;
}

/** What an evaluation measures of one output. */
export interface OutputEvaluation {
  readonly loss: number;
  /**
   * Fraction of examples (or sequence positions) whose highest output is the label's, in [0, 1]; of values that are 0 or 1,
   * of those on the right side of one half. It means nothing where labels are numbers.
   */
  readonly accuracy: number;
  /** The metrics that were asked for, by name. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Those that have a value for each class. */
  readonly perClass?: Readonly<Record<string, readonly number[]>>;
}

/**
 * What an evaluation measures; of several outputs the sum of their losses, each times its weight, and the mean of their accuracies
 * and metrics.
 */
export interface Evaluation extends OutputEvaluation {
  /** Examples. */
  readonly size: number;
  /** Of a model with several outputs, each by its name. */
  readonly outputs?: Readonly<Record<string, OutputEvaluation>>;
}

/**
 * The metrics of an evaluation in one record: by name, and of several outputs by `output/name`.
 *
 * @example
 * ```ts
 * import { flatMetrics } from '@espalier/core';
 * const box = { loss: 1, accuracy: 0, metrics: { mae: 2 } };
 * const flat = flatMetrics({ ...box, size: 10, outputs: { box } });
 * if (flat['box/mae'] !== 2 || flat.mae !== 2) throw new Error('unexpected');
 * ```
 */
export function flatMetrics({ metrics = {}, outputs = {} }: Evaluation): Record<string, number> {
  const flat: Record<string, number> = { ...metrics };
  for (const [output, one] of Object.entries(outputs)) {
    for (const [name, value] of Object.entries(one.metrics ?? {})) flat[`${output}/${name}`] = value;
  }
  return flat;
}
