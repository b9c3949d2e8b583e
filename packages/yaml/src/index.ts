export { parseYaml } from './parse.js';
export { type Problem, plainSource, problemsError, type Source } from './source.js';
