export type { FleetSource } from './fleet.js';
export {
  type RecordedStep,
  type Recorder,
  type RecordOptions,
  recordRun,
} from './record.js';
export type { RecordedEpoch } from './recorded-epoch.js';
export { type RunListing, runsIn } from './runs.js';
export { type ServeOptions, type Studio, serveStudio } from './serve.js';
export { type EventWriter, openEvents } from './tensorboard/events.js';
