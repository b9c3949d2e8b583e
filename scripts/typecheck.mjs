// Type-checks sources, tests and the examples in comments and readmes; then the plain JavaScript that workers run, by what the
// declarations beside it say. Arguments go to the first tsc.
import { join } from 'node:path';
import { writeDocExamples } from './lib/doc-examples.mjs';
import { node, root } from './lib/run.mjs';

writeDocExamples();
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
for (const [project, ...given] of [['tsconfig.json', ...process.argv.slice(2)], ['tsconfig.workers.json']]) {
  const { code } = await node([tsc, '--noEmit', '-p', project, ...given]);
  if (code !== 0) process.exitCode = code;
}
