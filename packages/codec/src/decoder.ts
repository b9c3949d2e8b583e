/** All that a browser needs: reading `.esp` files, without the encoder. */
export type { DecodedArtifacts, ModelArtifacts, WeightQuantization, WeightSpec } from './artifacts.js';
export { decode } from './decode.js';
export { EspError, type EspErrorCode } from './errors.js';
export type { CodecName } from './format.js';
export { type EspalierHandler, espalier, type LoadOptions } from './handler.js';
export { type FileReport, inspect, type TensorReport } from './inspect.js';
export type { Limits } from './limits.js';
