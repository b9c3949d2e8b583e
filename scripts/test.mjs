// `npm test`: sets up what is missing, then runs the test suite. Arguments go to vitest: `npm test -- packages/core`.
import { join } from 'node:path';
import { bootstrap, main } from './bootstrap.mjs';
import { node, root } from './lib/run.mjs';

await main(async () => {
  await bootstrap();
  const { code } = await node([
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...process.argv.slice(2),
  ]);
  return code;
});
