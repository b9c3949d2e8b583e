import type { EpochMetrics } from '@espalier/core';

/** One line of metrics.jsonl. */
export interface MetricLine extends EpochMetrics {
  readonly stage: string;
}

/** What is remembered of a stage that is done. */
export interface StageRecord {
  readonly name: string;
  readonly kind: 'train' | 'prune' | 'quantize' | 'transform';
  readonly seconds: number;
  /** Of these, the seconds in which training waited for data. */
  readonly wait?: number;
  readonly epochs?: number;
  /** On the validation split, after the stage; where it means something. */
  readonly validationAccuracy?: number;
  /** Where other metrics were asked for. */
  readonly validationLoss?: number;
  readonly validationMetrics?: Readonly<Record<string, number>>;
  readonly parameters: number;
  readonly nonzero: number;
  /** Of the model packed as it is after the stage. */
  readonly bytes: number;
}
