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
  /** Fraction of all parameters that are exactly 0, in [0, 1]. */
  readonly sparsity: number;
  readonly seconds: number;
  /** Of these, the seconds in which training waited for batches. */
  readonly wait?: number;
}

/** What an evaluation measures of one output. */
export interface OutputEvaluation {
  readonly loss: number;
  /** Fraction of examples (or sequence positions) whose highest output is the label's, in [0, 1]. */
  readonly accuracy: number;
}

/** What an evaluation measures; of several outputs the sum of their losses and the mean of their accuracies. */
export interface Evaluation extends OutputEvaluation {
  /** Examples. */
  readonly size: number;
  /** Of a model with several outputs, each by its name. */
  readonly outputs?: Readonly<Record<string, OutputEvaluation>>;
}
