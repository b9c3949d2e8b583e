// Publishes all packages to a registry on loopback and does what users do first: installs them by name, with npm and pnpm,
// in empty projects. One line a trial; exits with 1 when one fails. `npm run release:check`; needs a build.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npmProgram } from '../lib/npm.mjs';
import { node, root, since } from '../lib/run.mjs';
import { trials } from './projects.mjs';
import { startRegistry } from './registry.mjs';

const pnpmProgram = join(root, '.tools/node_modules/pnpm/bin/pnpm.cjs');
const parent = mkdtempSync(join(tmpdir(), 'espalier-release-'));

/** Runs a Node program, and gives what it said; of one that fails, as an error. */
async function run(args, cwd, env) {
  const { code, output } = await node(args, { quiet: true, cwd, env });
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}\n${output}`);
  return output;
}

let failed = 0;
let registry;
try {
  const began = performance.now();
  const npm = npmProgram();
  const uplink = (await run([npm, 'config', 'get', 'registry'], root)).trim();
  const plain = (args, cwd) => run([npm, ...args], cwd);
  registry = await startRegistry({ folder: parent, uplink, npm: plain });
  // Settings of its own: nothing is published elsewhere, no cache knows of the packages.
  const settings = join(parent, 'npmrc');
  const { host } = new URL(registry.url);
  writeFileSync(
    settings,
    `registry=${registry.url}\n//${host}/:_authToken=anybody\naudit=false\nfund=false\n`,
  );
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
    npm_config_userconfig: settings,
    npm_config_registry: registry.url,
    npm_config_cache: join(parent, 'cache'),
    npm_config_store_dir: join(parent, 'store'),
    npm_config_prefer_offline: 'false',
  };
  const published = await run([pnpmProgram, '-r', 'publish', '--no-git-checks'], root, env);
  const count = published.match(/^\+ /gm)?.length ?? 0;
  process.stdout.write(`published ${count} packages on loopback (${since(began)})\n`);

  const npx = join(npm, '../npx-cli.js');
  const means = {
    parent,
    npm: (args, cwd) => run([npm, ...args], cwd, env),
    npx: (args, cwd) => run([npx, ...args], cwd, env),
    pnpm: (args, cwd) => run([pnpmProgram, ...args], cwd, env),
    node: (args, cwd) => run(args, cwd, env),
  };
  for (const trial of trials) {
    const start = performance.now();
    try {
      await trial.try(means);
      process.stdout.write(`ok      ${trial.name} (${since(start)})\n`);
    } catch (error) {
      failed++;
      process.stdout.write(`FAILED  ${trial.name} (${since(start)})\n${error.message}\n`);
    }
  }
} finally {
  registry?.stop();
  rmSync(parent, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = failed === 0 ? 0 : 1;
