export {
  type Augment,
  type Batches,
  type BatchOptions,
  batches,
  type LabelledBatch,
} from './batches.js';
export { CIFAR10_CLASSES, readCifar10 } from './cifar10.js';
export type { Scale } from './cut.js';
export type { BatchesOptions, DataSource, Described } from './data-source.js';
export { type DataPart, divide, type Shares } from './divide.js';
export { DatasetError, type DatasetErrorCode } from './errors.js';
export type { ArrayFiles } from './factories/array-files.js';
export { type ArraysOptions, fromArrays } from './factories/arrays.js';
export {
  type BuiltInOptions,
  builtIn,
  builtIns,
  type Factory,
  type FactoryContext,
} from './factories/built-in.js';
export { type CsvOptions, fromCsv } from './factories/csv/csv.js';
export { type ColumnLook, lookAtTable, type TableLook } from './factories/csv/look.js';
export type { AugmentOptions } from './factories/images/augment.js';
export { fromImages, type ImagesOptions } from './factories/images/images.js';
export { fromOwn, type OwnSource } from './factories/own.js';
export type { TextOptions } from './factories/text/options.js';
export { fromText } from './factories/text/text.js';
export { type IdxArray, readIdx, writeIdx } from './idx.js';
export { type Dataset, type DatasetOptions, datasetNames, loadDataset } from './load.js';
export type { Parted } from './parted.js';
export { type SequenceOptions, sequences } from './sequences.js';
export { defaultCacheDir } from './source/cache.js';
export type { SourceOptions } from './source/obtain.js';
export { holdOut, type Split, take } from './split.js';
export {
  decodeText,
  encodeText,
  loadText,
  type TextDataset,
  type TextShares,
  textDataset,
  textNames,
} from './text.js';
