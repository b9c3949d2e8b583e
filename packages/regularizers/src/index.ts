export { type DistillationOptions, distillation } from './distillation.js';
export { type GroupLassoOptions, groupLasso } from './group-lasso.js';
export { type GroupVarianceOptions, groupVariance } from './group-variance.js';
export type { GroupOptions, Groups } from './groups.js';
export { type GrowingOptions, type GrowingPenalty, growing } from './growing.js';
export type { Strength } from './internal/strength.js';
export type { GroupThresholdOptions, ThresholdOptions } from './internal/threshold.js';
export { type ElementOptions, l1, l2 } from './l1-l2.js';
export type { WeightPenalty } from './penalty.js';
