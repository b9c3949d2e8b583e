export { verify } from './decode/verify.js';
export * from './decoder.js';
export { decodeChecked } from './encode/decode-checked.js';
export { type EncodeOptions, encode } from './encode/encode.js';
export { renameLayer } from './encode/layer-names.js';
export { namedByPaths } from './encode/named-by-paths.js';
export type { Grid, LinearPrediction } from './layouts/grid/levels.js';
export { type Reordered, reorderUnits } from './layouts/reorder/reorder-units.js';
