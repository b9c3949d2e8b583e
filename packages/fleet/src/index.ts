export { type Bundle, type Manifest, mostBytes, type Needs, putBundle } from './bundle.js';
export { type Asks, Database, type DatabaseOptions, shownUrl } from './database.js';
export { Fleet, type FleetOptions } from './fleet.js';
export { Key, keyVariable } from './key.js';
export { cancel, drain, type LogLine, logsOf, retry } from './operations.js';
export type { FleetGoal, Outcome } from './outcome.js';
export {
  type Failure,
  type FleetStatus,
  type StudyStatus,
  statusOf,
  type WorkerStatus,
} from './status.js';
export { Study } from './study.js';
export { type TrialStatus, trialsOf } from './trials-of.js';
export { workFor } from './worker.js';
export type { Work, WorkerOptions } from './worker-options.js';
