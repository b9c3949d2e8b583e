export {
  type Codebook,
  type CodebookOptions,
  type LloydOptions,
  lloydCodebook,
  type OptimalCodebook,
  optimalCodebook,
} from './codebook.js';
export type { Importance } from './importance.js';
export type { LloydInit } from './initial-centroids.js';
export { type KMeansOptions, kmeans } from './kmeans.js';
export { nearest } from './nearest.js';
export { type RateDistortionOptions, rateDistortion } from './rate-distortion.js';
export { type UniformOptions, uniform, uniformLevels } from './uniform.js';
