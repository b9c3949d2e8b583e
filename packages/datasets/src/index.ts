export {
  type Augment,
  type Batches,
  type BatchOptions,
  batches,
  type LabelledBatch,
  type Scale,
} from './batches.js';
export { CIFAR10_CLASSES, readCifar10 } from './cifar10.js';
export { DatasetError, type DatasetErrorCode } from './errors.js';
export { type IdxArray, readIdx, writeIdx } from './idx.js';
export { type Dataset, type DatasetOptions, datasetNames, loadDataset } from './load.js';
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
