import type { Data } from './data.js';
import type { LearningRate } from './learning-rate.js';
import type { Losses } from './losses.js';
import type { Better, Metrics } from './metric.js';
import type { EpochMetrics } from './metrics.js';
import type { AdamOptions, OptimizerFactories, SgdOptions } from './optimizer.js';
import type { Schedule } from './schedule.js';
import type { Selector } from './selector.js';
import type { StepRecorder } from './step-recorder.js';

/** An update rule by name, with its options. */
export type OptimizerChoice =
  | ({ readonly name: 'adam' } & AdamOptions)
  | ({ readonly name: 'sgd' } & SgdOptions);

/** Stops training when a metric no longer improves. */
export interface EarlyStopping {
  /** `validationLoss`, `validationAccuracy`, `loss` (of training), or one of `metrics`. Default: the goal, or `validationLoss`. */
  readonly metric?: string;
  /** Default: what is known of the metric. */
  readonly better?: Better;
  /** Epochs without improvement that are allowed, >= 1. */
  readonly patience: number;
  /** What counts as an improvement. Default 0. */
  readonly minDelta?: number;
}

/** By what models and epochs are compared. */
export interface Goal {
  /** `loss`, `accuracy`, or the name of one of `metrics`; of one output of several, `output/name`. */
  readonly metric: string;
  /** Default: what is known of the metric. */
  readonly better?: Better;
}

/** A size that training is steered to. */
export interface SizeAim {
  /** What the model shall take in the end, in bytes, >= 1. */
  readonly aim: number;
  /**
   * What a model takes as it is, in bytes: packed, say. Asked at the end of every epoch, with the weights as they are validated.
   */
  of(): number | Promise<number>;
}

/** Everything one training stage needs. */
export interface TrainOptions {
  readonly data: Data;
  /** Held-out data, evaluated after each epoch. Never the test set. */
  readonly validation?: Data;
  /** >= 1. */
  readonly epochs: number;
  /** Default `categoricalCrossentropy`, for every output. The losses of several outputs are added up. */
  readonly loss?: Losses;
  /** Measured on the validation data after each epoch, besides loss and accuracy: `@espalier/metrics` has them by name. */
  readonly metrics?: Metrics;
  /** What `keepBest` and `earlyStopping` follow. Default: accuracy, then loss; for `earlyStopping` the loss. */
  readonly goal?: Goal;
  /** Default Adam. */
  readonly optimizer?: OptimizerChoice;
  /** Default 0.001. */
  readonly learningRate?: LearningRate;
  /** Multiplies the learning rate for some parameters. */
  readonly rateFactors?: readonly { readonly parameters: Selector; readonly factor: number }[];
  /**
   * Layers that are not trained in this stage, by names or globs of layers (`conv1`, `block_*`) or of parameters; a leading `!` takes away.
   * Batch normalisations among them go by their statistics as at inference.
   */
  readonly freeze?: Selector;
  /** Plugins bound to parameters and time, in the order in which they act. */
  readonly schedules?: readonly Schedule[];
  /** The backend's update rules. Default: plain TF.js ops. */
  readonly optimizers?: OptimizerFactories;
  /** The backend's way to replay steps that are alike. Default: every step is taken anew. */
  readonly recorder?: StepRecorder;
  /** Told once for each reason why steps are not replayed, in a sentence about "it", the step. */
  readonly onUnrecorded?: (reason: string) => void;
  readonly earlyStopping?: EarlyStopping;
  /**
   * Leaves the optimizer's slots (momenta) on the run at the end, for a stage with `continueSlots`; thinning in between
   * cuts them along. They are saved with the run. Default false.
   */
  readonly keepSlots?: boolean;
  /** Goes on with the slots that the stage before has left, instead of zeros. Default false. */
  readonly continueSlots?: boolean;
  /** Ends with the weights of the best validated epoch by the goal, counting from epoch `from` (when pruning is done). */
  readonly keepBest?: { readonly from?: number };
  /** A size that plugins are steered to which can be: `ratePrior` of `@espalier/rate`. The others go on as ever. */
  readonly size?: SizeAim;
  /** Stops between two steps; the trainer throws EspalierError `aborted`. */
  readonly signal?: AbortSignal;
  /** Called now and then within an epoch, for progress displays. */
  readonly onStep?: (at: { epoch: number; step: number; steps: number; loss: number }) => void;
  readonly onEpoch?: (metrics: EpochMetrics) => void | Promise<void>;
}
