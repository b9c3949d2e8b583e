export { type AgpOptions, agp } from './agp.js';
export { type BaiduRnnOptions, baiduRnn, baiduThreshold } from './baidu-rnn.js';
export type { ElementCriterion } from './criterion.js';
export { type LevelOptions, level } from './level.js';
export { type MagnitudeOptions, magnitude } from './magnitude.js';
export { type NmOptions, nm } from './n-m.js';
export { type RandomOptions, random } from './random.js';
export type { RankingOptions, Scope } from './ranked.js';
export { type SensitivityOptions, sensitivity } from './sensitivity.js';
export {
  type SplicingCounts,
  type SplicingOptions,
  type SplicingPruner,
  type SplicingSession,
  splicing,
} from './splicing.js';
