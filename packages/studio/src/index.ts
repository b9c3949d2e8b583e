export { type RunListing, runsIn } from './runs.js';
export { type ServeOptions, type Studio, serveStudio } from './serve.js';
