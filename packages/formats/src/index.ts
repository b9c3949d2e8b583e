export { type NpyArray, npyBytes, parseNpy, parseNpyTensor, readNpy, writeNpy } from './arrays/npy.js';
export {
  artifactsOfTensors,
  bytesOf,
  type ElementType,
  type PlainTensor,
  tensorsOfArtifacts,
} from './arrays/plain-tensor.js';
export { parseSafetensors, safetensorsBytes } from './arrays/safetensors.js';
export { type Cut, cut, type Picture, readPicture, readPictures } from './pictures/pictures.js';
export { type ReadOptions, readArtifacts, readable } from './read.js';
