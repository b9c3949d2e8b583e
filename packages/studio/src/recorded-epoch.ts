/** An epoch that is done: `loss` and whatever else is known of it. */
export interface RecordedEpoch {
  /** Default `train`. */
  readonly stage?: string;
  /** 0-based. */
  readonly epoch: number;
  readonly loss: number;
  readonly validationLoss?: number;
  /** Fraction in [0, 1]. */
  readonly validationAccuracy?: number;
  readonly validationMetrics?: Readonly<Record<string, number>>;
  readonly learningRate?: number;
  /** Fraction of all weights that are 0, in [0, 1]. */
  readonly sparsity?: number;
  readonly seconds?: number;
  /** Of these, waiting for data. */
  readonly wait?: number;
}
