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
}

/** What an evaluation measures. */
export interface Evaluation {
  readonly loss: number;
  /** Fraction of examples (or sequence positions) whose highest output is the label's, in [0, 1]. */
  readonly accuracy: number;
  readonly size: number;
}
