import type { CodebookReport } from '../measure/codebook.js';
import type { DensityReport } from '../measure/density.js';
import type { MaskReport } from '../measure/mask.js';
import type { Statistics } from '../measure/statistics.js';
import type { HistogramReport } from '../schema.js';

/** A way to store a model's weights. */
export interface Form {
  /** E.g. `uint8-brotli`. */
  readonly key: string;
  /** A few words, for a column. */
  readonly label: string;
  /** A sentence. */
  readonly about: string;
}

/** What a tensor, or all of them, take in one form. */
export interface Cost {
  readonly bytes: number;
  /** Root mean square of what the form changes, relative to that of the weights; 0 where it loses nothing. */
  readonly error: number;
}

/** One tensor of a model that is looked at. */
export interface InspectedTensor extends Omit<Statistics, 'count'> {
  readonly name: string;
  readonly shape: readonly number[];
  /** As the model sees it; with the type on disk where the TF.js converter has quantised it: `float32 (uint8)`. */
  readonly dtype: string;
  readonly parameters: number;
  readonly nonzero: number;
  /** As it is stored in the `.esp` file: the one that was given, or the model packed as it is. */
  readonly bytes: number;
  readonly bitsPerWeight: number;
  /** The coder's name. */
  readonly codec: string;
  /** By the form's key. */
  readonly costs: Readonly<Record<string, Cost>>;
}

/** What is drawn of a tensor. */
export interface TensorPicture {
  /** Weights that are not 0, over equal bins, with centroids where there is a codebook. */
  readonly histogram: HistogramReport;
  readonly density?: DensityReport;
  readonly mask?: MaskReport;
  /** Of the tensor itself. */
  readonly codebook?: CodebookReport;
  /** What the histogram's centroids are, in a few words. */
  readonly centroidsAre?: string;
}

/** A model that is looked at. */
export interface Inspection {
  /** The file's name. */
  readonly name: string;
  /** Bytes of the `.esp` file, as it is or as it would be. */
  readonly bytes: number;
  /** Of these, what is no tensor's: the file's header and checksums, the tensor table, the topology with all names. */
  readonly overhead?: { readonly header: number; readonly table: number; readonly text: number };
  /** Is it an `.esp` file already? */
  readonly packed: boolean;
  readonly forms: readonly Form[];
  /** Of the whole model, by the form's key; `.esp` files with headers and topology. */
  readonly totals: Readonly<Record<string, Cost>>;
  readonly tensors: readonly InspectedTensor[];
}
