export * from './decoder.js';
export { type EncodeOptions, encode } from './encode.js';
export type { Grid, LinearPrediction } from './grid-encode.js';
export { type Reordered, reorderUnits } from './reorder.js';
export { verify } from './verify.js';
