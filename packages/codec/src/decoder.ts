/** All that a browser needs: reading `.esp` files, without the encoder. */
export type { DecodedArtifacts, ModelArtifacts, WeightQuantization, WeightSpec } from './artifacts.js';
export type { CodecName } from './container/format.js';
export type { Limits } from './container/limits.js';
export { decode } from './decode/decode.js';
export { type FileReport, inspect, type TensorReport } from './decode/inspect.js';
export { EspError, type EspErrorCode } from './errors.js';
export type { LoadOptions } from './loading/download.js';
export { type EspalierHandler, espalier } from './loading/handler.js';
