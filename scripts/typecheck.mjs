// Type-checks sources, tests and the examples in comments and readmes. Arguments go to tsc.
import { join } from 'node:path';
import { writeDocExamples } from './lib/doc-examples.mjs';
import { node, root } from './lib/run.mjs';

writeDocExamples();
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { code } = await node([tsc, '--noEmit', '-p', 'tsconfig.json', ...process.argv.slice(2)]);
process.exitCode = code;
