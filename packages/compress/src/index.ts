export type { ModelArtifacts } from '@espalier/codec';
export { type Compressed, type CompressedTensor, compress } from './compress.js';
export { type GenerateOptions, generateExamples } from './examples.js';
export { type Examples, type Executable, type InputSpec, isGraph, load } from './executable.js';
export { compare, type Fidelity, type Output } from './fidelity.js';
export type { CompressOptions } from './options.js';
export type { Method } from './quantize.js';
export type { Trial } from './search.js';
export { readWeights, type Weight } from './weights.js';
