// `npm run demo`: sets up what is missing, then trains, prunes, quantises and packs LeNet-300-100 on MNIST.
// Arguments go to the command: `npm run demo -- --backend wasm`.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, main } from './bootstrap.mjs';
import { node, root } from './lib/run.mjs';

const recipe = join('examples', 'lenet-300-100', 'recipe.yaml');
const out = join('runs', 'demo');

await main(async () => {
  const more = process.argv.slice(2);
  await bootstrap();
  const goesOn = more.includes('--resume') || more.some((arg) => /^(--out|-o)(=|$)/.test(arg));
  if (!goesOn) rmSync(join(root, out), { recursive: true, force: true });
  const where = more.some((arg) => /^(--out|-o)(=|$)/.test(arg)) ? [] : ['--out', out];
  const { code } = await node([
    join('packages', 'runner', 'dist', 'cli.js'),
    'run',
    recipe,
    ...where,
    ...more,
  ]);
  return code;
});
