/** Updates: what somebody needs who has an older version of a file. */
export { diff } from './update/diff.js';
export { gridsOf } from './update/grids.js';
export { type Identity, inspectUpdate, type UpdateReport } from './update/inspect.js';
export { patch } from './update/patch.js';
