import base from '../../tsup.config.js';

export default { ...base, entry: ['src/index.ts', 'src/decoder.ts', 'src/streaming.ts', 'src/han/index.ts'] };
