export * from './decoder.js';
export { type EncodeOptions, encode } from './encode.js';
