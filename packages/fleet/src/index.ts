export { type Bundle, type Manifest, mostBytes, type Needs, putBundle } from './bundle.js';
export { type Asks, Database, type DatabaseOptions, shownUrl } from './database.js';
export { Fleet, type FleetOptions } from './fleet.js';
export { Key, keyVariable } from './key.js';
export {
  cancel,
  drain,
  type Failure,
  type FleetStatus,
  type LogLine,
  logsOf,
  retry,
  type StudyStatus,
  statusOf,
  type WorkerStatus,
} from './operations.js';
export { Study } from './study.js';
export { workFor } from './worker.js';
export type { Work, WorkerOptions } from './worker-options.js';
