import type { Figure } from '@espalier/figures';
import type { CodebookReport } from './measure/codebook.js';
import type { MaskReport } from './measure/mask.js';

/** What a model is and does: one is measured before compression, one after, decoded from its file. */
export interface ModelFigures {
  /** Share of test examples classified rightly, in [0, 1]; `null` where labels are no classes, or there were none. */
  readonly accuracy: number | null;
  /** 1 - accuracy. */
  readonly error: number | null;
  /** Mean test loss. */
  readonly loss?: number;
  /** Of a language model on characters: test loss / ln 2. */
  readonly bitsPerCharacter?: number;
  /** On the test data, by name, of several outputs by `output/name` too; `null` where it is no number. */
  readonly metrics?: Readonly<Record<string, number | null>>;
  /** Those of the metrics that have a value for each class. */
  readonly perClass?: Readonly<Record<string, readonly (number | null)[]>>;
  /** Weights, counted as they are in the model, pruned ones included. */
  readonly parameters: number;
  /** Weights that are not 0. */
  readonly nonzero: number;
  /** Size of the files on disk, headers and topology included. For `dense`: what float32 takes. */
  readonly bytes: number;
  /** Multiply-accumulates for one example: zeros count as any other weight, what was removed does not. */
  readonly macs?: number;
  /** Measured: how long the model takes for a batch, on the run's backend. */
  readonly inference?: readonly InferenceReport[];
}

/** How long a model takes for a batch of this size. */
export interface InferenceReport {
  readonly batchSize: number;
  /** Wall clock, the median of several calls. */
  readonly milliseconds: number;
  /** A quarter of the calls took less than the first of these milliseconds, a quarter more than the second. */
  readonly quartiles?: readonly [number, number];
  /**
   * Of a compressed model: how many times faster than the dense one, by calls in turns: the median, and where it lies
   * with 95 % confidence. `'same'` where both compute the same.
   */
  readonly faster?: 'same' | { readonly median: number; readonly low: number; readonly high: number };
}

/** A compression ratio as some paper counts it: an estimate, not a file's size. */
export interface PaperRatio {
  readonly value: number;
  /** What it counts, in a few words. */
  readonly counts: string;
}

/** By what models are compared. */
export interface GoalReport {
  /** `accuracy`, `loss`, or one of the metrics; of one output of several `output/name`. */
  readonly metric: string;
  readonly better: 'higher' | 'lower';
}

/** What is known of a metric. */
export interface MeasureReport {
  /** Which values are better; absent where nobody has said. */
  readonly better?: 'higher' | 'lower';
  /** How it is shown: shares in [0, 1] as percentages. */
  readonly unit?: 'share' | 'dB' | 'bits';
}

/** One stage of a run. */
export interface StageReport {
  readonly name: string;
  /** What it did: `train`, `prune`, `quantize`, `thin`, `encode`, … */
  readonly kind: string;
  readonly seconds: number;
  /** Of these, the seconds in which training waited for data. */
  readonly wait?: number;
  /** Epochs of training, where there was any. */
  readonly epochs?: number;
  /** After the stage, on the validation split if there is one; in [0, 1]. */
  readonly accuracy?: number;
  /** Where models are compared by something else than accuracy: on the validation split, too. */
  readonly loss?: number;
  readonly metrics?: Readonly<Record<string, number | null>>;
  /** Weights that are not 0 after the stage. */
  readonly nonzero?: number;
  /** Size of the model after the stage. */
  readonly bytes?: number;
  /** `true` when `bytes` is an estimate; `false` or absent when it is the size of encoded bytes. */
  readonly estimated?: boolean;
}

/** One epoch of training. */
export interface EpochReport {
  /** The name of the stage it belongs to. */
  readonly stage: string;
  /** 0-based, within the stage. */
  readonly epoch: number;
  /** Mean training loss, penalties included. */
  readonly loss: number;
  /** The part of the loss that regularizers added. */
  readonly penalty?: number;
  /** On training examples, in [0, 1]. */
  readonly accuracy?: number;
  readonly validationLoss?: number;
  /** In [0, 1]. */
  readonly validationAccuracy?: number;
  readonly validationMetrics?: Readonly<Record<string, number | null>>;
  readonly learningRate?: number;
  /** Share of weights that are 0, in [0, 1]. */
  readonly sparsity?: number;
  readonly seconds?: number;
  /** Of these, the seconds in which training waited for data. */
  readonly wait?: number;
}

/** How one tensor is stored in the compressed file. */
export interface TensorFigures {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly nonzero: number;
  /** Different values, 0 included. */
  readonly distinct: number;
  /** Its share of the file. */
  readonly bytes: number;
  /** 8 bytes / parameters. */
  readonly bitsPerWeight: number;
  /** The coder's name. */
  readonly codec: string;
}

/** Counts of a tensor's weights before and after, over the same bins. Weights that are exactly 0 are in no bin. */
export interface HistogramReport {
  /** The tensor's name. */
  readonly tensor: string;
  /** Bin edges, ascending: one more than there are bins. The last bin includes its upper edge. */
  readonly edges: readonly number[];
  readonly before: readonly number[];
  /** Absent when the tensor is not in the compressed model. */
  readonly after?: readonly number[];
  /** How many weights are exactly 0. */
  readonly zerosBefore: number;
  readonly zerosAfter?: number;
  /** The codebook, where the tensor has one. */
  readonly centroids?: readonly number[];
}

/** Where a run took place. */
export interface EnvironmentReport {
  /** The TF.js backend that computed. */
  readonly backend: string;
  /** Package name to version. */
  readonly versions: Readonly<Record<string, string>>;
  readonly cores: number;
  readonly node: string;
  readonly platform: string;
}

/** All of `report.json`. Fractions are in [0, 1], sizes in bytes, times in seconds. */
export interface Report {
  /** Of this schema. */
  readonly version: 1;
  readonly name: string;
  readonly seed: number;
  /** When the run ended, ISO 8601. */
  readonly createdAt?: string;
  /** The command that makes the run again. */
  readonly command?: string;
  /** What of the data the figures are of. Default `test`; `validation` of a run that has left the test set unread. */
  readonly measuredOn?: 'test' | 'validation';
  readonly dense: ModelFigures;
  readonly compressed: ModelFigures;
  /** Dense bytes / compressed bytes. */
  readonly ratio: number;
  readonly paperRatios: Readonly<Record<string, PaperRatio>>;
  /** Absent: accuracy. */
  readonly goal?: GoalReport;
  /** The metrics that were asked for, by name. */
  readonly measures?: Readonly<Record<string, MeasureReport>>;
  /** The names of the classes of `perClass`, in their order. */
  readonly classes?: readonly string[];
  /** The same of several outputs, whose metrics are called `output/metric`. */
  readonly outputClasses?: Readonly<Record<string, readonly string[]>>;
  readonly stages: readonly StageReport[];
  readonly metrics: readonly EpochReport[];
  readonly tensors: readonly TensorFigures[];
  readonly histograms: readonly HistogramReport[];
  /** Which weights of the compressed model are 0: tensors that have zeros. */
  readonly masks?: readonly MaskReport[];
  /** Of the compressed model: tensors that share few values. */
  readonly codebooks?: readonly CodebookReport[];
  /** Pictures that plugins have made of their work. */
  readonly figures?: readonly Figure[];
  readonly environment: EnvironmentReport;
}
