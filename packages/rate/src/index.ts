export { type LevelModel, levelBits } from './level-model.js';
export type { RatePriorOptions } from './options.js';
export { type RatePrior, ratePrior } from './prior.js';
export type { RateReading, RateSession } from './session.js';
export type { RateWeight, WeightAim, WeightRamp } from './weight.js';
