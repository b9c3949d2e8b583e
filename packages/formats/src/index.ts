export { type NpyArray, npyBytes, parseNpy, parseNpyTensor, readNpy, writeNpy } from './arrays/npy.js';
export {
  artifactsOfTensors,
  bytesOf,
  type ElementType,
  type PlainTensor,
  tensorsOfArtifacts,
} from './arrays/plain-tensor.js';
export { readArrays } from './arrays/read-arrays.js';
export { parseSafetensors, safetensorsBytes } from './arrays/safetensors.js';
export { readWhole } from './files.js';
export { filesOfModel } from './files-of-model.js';
export { checkFits } from './fits.js';
export type { ForeignLimits } from './foreign.js';
export { type Cut, cut, cutPictures } from './pictures/cut.js';
export { type DecodedPicture, pictureKinds, picturesIn, readPicture } from './pictures/pictures.js';
export { type PictureSize, sizeOfPicture } from './pictures/size.js';
export { type ReadArtifacts, type ReadOptions, readArtifacts, readable } from './read.js';
