import type * as tf from '@tensorflow/tfjs-core';
import type { KernelHooks } from './intercept.js';

/** An input of a model; an axis of -1 takes any size. */
export interface InputSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  /** Whole numbers from 0 below this: it looks up the rows of a table. */
  readonly below?: number | undefined;
}

/** Examples: one tensor per input of the model, the first axis counts examples. */
export type Examples = readonly tf.Tensor[];

/** A model of one kind. */
export interface Loaded {
  /** Those that take examples. */
  readonly inputs: readonly InputSpec[];
  /** Its weights by their names in the artifacts. */
  readonly weights: ReadonlyMap<string, tf.Tensor>;
  /** Outputs in whose place what led to them is computed: they are chosen, not computed, and have no small errors. */
  readonly before: readonly string[];
  /** How many operations read a weight, those too that are not computed; of a layers model all are. */
  readonly readers?: (name: string) => number;
  /** Does it wait for values on the way (loops, branches, sizes that depend on values)? */
  readonly waits: boolean;
  readonly predict: (examples: Examples) => tf.Tensor[] | Promise<tf.Tensor[]>;
  dispose(): void;
}

/** A loaded model, of either kind. */
export interface Executable extends Omit<Loaded, 'predict'> {
  /**
   * Runs it on examples, with other weights where `values` has them. Gives its outputs; the caller disposes them.
   *
   * @throws EspalierError `cannot-run` with what TF.js says
   */
  run(
    examples: Examples,
    values?: ReadonlyMap<string, tf.Tensor>,
    hooks?: KernelHooks['after'],
  ): Promise<tf.Tensor[]>;
}
