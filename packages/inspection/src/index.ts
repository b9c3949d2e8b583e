export { type Inspected, type InspectOptions, inspectArtifacts } from './inspect-artifacts.js';
export { type InspectedFile, inspectModel } from './inspect-model.js';
