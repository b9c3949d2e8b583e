export { type RecordedEpoch, type RecordedStep, type Recorder, recordRun } from './record.js';
export { type RunListing, runsIn } from './runs.js';
export { type ServeOptions, type Studio, serveStudio } from './serve.js';
