export { type AgpOptions, agp, agpSparsity } from './agp.js';
export { type LevelOptions, level } from './level.js';
export type { PerParameter } from './per-parameter.js';
export type { RankingOptions, Scope } from './ranked.js';
export type { Score } from './score.js';
