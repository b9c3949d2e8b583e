export { type BernoulliDropOptions, bernoulliDrop } from './bernoulli-drop.js';
export type { Criterion, CriterionOptions } from './criteria/criterion.js';
export type { ScoreFunction } from './criteria/weights.js';
export {
  type DependencyGroup,
  type DependencyGroups,
  dependencyGroups,
  type GroupMember,
  type Part,
  type RefusedGroup,
} from './dependency-groups.js';
export type { DropOptions } from './drop.js';
export { countMacs, type LayerMacs, type Macs, type MacsOptions } from './macs.js';
export { type RandomLevelDropOptions, randomLevelDrop } from './random-level-drop.js';
export type { ReconstructOptions } from './reconstruct/reconstruction.js';
export type { AmountOptions, Sparsity } from './sparsity.js';
export { type StructuredAgpOptions, structuredAgp } from './structured-agp.js';
export { type StructuredLevelOptions, structuredLevel } from './structured-level.js';
export type { StructuredOptions } from './structured-pruner.js';
export { type StructuredThresholdOptions, structuredThreshold } from './structured-threshold.js';
export type { StructureKind } from './structures/local.js';
export type { StructureOptions } from './structures/resolve.js';
export type { Slice } from './structures/slice.js';
export type { Structures } from './structures/structures.js';
export {
  type Stuck,
  type Thinned,
  type ThinOptions,
  type ThinReport,
  type ThinSession,
  thin,
  thinModel,
} from './thin.js';
export {
  compareInference,
  type InferenceComparison,
  type InferenceTime,
  type TimingOptions,
  timeInference,
} from './time-inference.js';
