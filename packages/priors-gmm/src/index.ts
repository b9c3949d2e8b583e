export { type MergeRule, mergeComponents, mostResponsible } from './components.js';
export { type BetaPrior, betaShapes, type GammaPrior, gammaShapes, type Shapes } from './hyper-priors.js';
export { type HyperPriors, type MixtureLoss, mixtureLoss } from './loss.js';
export { logDensity, type Mixture, mixtureOf, responsibilities } from './mixture.js';
export type { MixturePriorOptions, SnapOptions } from './options.js';
export { gaussianMixturePrior, type MixturePrior } from './prior.js';
export type { MixtureSession } from './session.js';
export type { Tau, TauRamp, TauUntil } from './tau.js';
