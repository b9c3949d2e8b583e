export {
  type DependencyGroup,
  type DependencyGroups,
  dependencyGroups,
  type GroupMember,
  type Part,
  type RefusedGroup,
} from './dependency-groups.js';
export { countMacs, type LayerMacs, type Macs, type MacsOptions } from './macs.js';
export {
  type Stuck,
  type Thin,
  type Thinned,
  type ThinOptions,
  type ThinReport,
  thin,
  thinModel,
} from './thin.js';
export { type InferenceTime, type TimingOptions, timeInference } from './time-inference.js';
