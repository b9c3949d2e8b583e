export * from './decoder.js';
export { type EncodeOptions, encode } from './encode.js';
export { verify } from './verify.js';
