export {
  type DeepCompressionLayer,
  type LayerShape,
  readDeepCompression,
  writeDeepCompression,
} from './deep-compression.js';
export {
  expandTensor,
  fromRelative,
  type IndexedTensor,
  indexTensor,
  type RelativeIndex,
  toRelative,
} from './indexed.js';
export { packPaper, unpackPaper } from './paper.js';
export { type IndexPicture, readPng, writePng } from './png.js';
