export { type DistillationOptions, distillation } from './distillation.js';
export { type GroupLassoOptions, groupLasso } from './group-lasso.js';
export { type GroupVarianceOptions, groupVariance } from './group-variance.js';
export { type GrowingOptions, type GrowingSession, growing } from './growing.js';
export { type ElementOptions, l1, l2 } from './l1-l2.js';
export type { WeightPenalty, WeightPenaltySession } from './penalty.js';
export type { PenalisedStructureOptions } from './structure.js';
export type { PenalisedStructure } from './structures.js';
export type { GroupThresholdOptions, ThresholdOptions } from './threshold.js';
