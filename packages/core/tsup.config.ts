import base from '../../tsup.config.js';

export default { ...base, entry: ['src/index.ts', 'src/conformance/index.ts'] };
