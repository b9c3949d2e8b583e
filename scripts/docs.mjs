// `npm run docs`: builds what is not built, then the API site of all packages into docs/api.
import { join } from 'node:path';
import { bootstrap, main } from './bootstrap.mjs';
import { node, root } from './lib/run.mjs';

await main(async () => {
  await bootstrap();
  const { code } = await node([join(root, 'node_modules/typedoc/bin/typedoc'), ...process.argv.slice(2)]);
  return code;
});
