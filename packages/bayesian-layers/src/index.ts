export type { Groups, Side } from './groups.js';
export { gaussianKl, logNormalGammaKl, logNormalInverseGammaKl, logUniformKl } from './kl.js';
export { klDivergence } from './kl-divergence.js';
export type { BayesianLayer, Weight as BayesianWeight } from './layers/bayesian-layer.js';
export {
  bayesianConv1d,
  bayesianConv2d,
  bayesianConv3d,
  bayesianDense,
  bayesianDepthwiseConv2d,
} from './layers/factories.js';
export type { BayesianOptions, ResolvedBayesian } from './layers/options.js';
export type { PriorName } from './math/scale-priors.js';
export type { GroupPriorOptions, HorseshoeOptions } from './options.js';
export { layerPosterior, type Posterior, posteriorOf } from './posterior.js';
export { layerBits, roundTo, roundToGrid, significandBits, unitRoundOff } from './precision.js';
export { type GroupPrior, groupHorseshoe, groupNormalJeffreys } from './prior.js';
export { type CountedLayer, denseBlock, exponentBits, type PaperRatios, paperRatios } from './ratios.js';
export type { GroupReading, GroupSession } from './session.js';
export { suggestThreshold, type ThresholdSuggestion } from './threshold.js';
export { fromLayersModel, type Plain, type PlainOptions, type TwinOptions, toLayersModel } from './twin.js';
