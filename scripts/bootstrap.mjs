// Makes a clone ready to run: pnpm, packages, build, native backend. Needs node and npm, nothing else; what is
// done already is skipped. `node scripts/bootstrap.mjs`, or `import { bootstrap }`.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withLock } from './lib/lock.mjs';
import { npmProgram } from './lib/npm.mjs';
import { node, root, say, since } from './lib/run.mjs';
import { filesBelow, stamp } from './lib/stamp.mjs';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const workspaces = ['packages', 'examples', 'bench'].filter((name) => existsSync(join(root, name)));

/** Runs a step quietly; when it fails, shows what it said and gives up. */
async function must(what, args) {
  const { code, output } = await node(args, { quiet: true });
  if (code === 0) return;
  process.stderr.write(output);
  throw new Error(`${what} failed (exit code ${code})`);
}

/** The pinned pnpm, in a folder of its own: nobody's global tools are touched. */
async function pnpm() {
  const version = manifest.packageManager.split('@')[1];
  const home = join(root, '.tools', 'node_modules', 'pnpm');
  const installed = join(home, 'package.json');
  if (!existsSync(installed) || JSON.parse(readFileSync(installed, 'utf8')).version !== version) {
    const began = performance.now();
    const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
    await must('installing pnpm', [
      npmProgram(),
      'install',
      '--prefix',
      join(root, '.tools'),
      ...flags,
      `pnpm@${version}`,
    ]);
    say(`pnpm ${version} in .tools (${since(began)})`);
  }
  return join(home, 'bin', 'pnpm.cjs');
}

async function installPackages() {
  const manifests = workspaces.flatMap((name) => filesBelow(name, (path) => path.endsWith('/package.json')));
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests];
  const done = stamp('.espalier-install', files, [process.version, process.platform, process.arch]);
  if (done.isCurrent()) return;
  const began = performance.now();
  say('installing packages …');
  await must('pnpm install', [await pnpm(), 'install', '--frozen-lockfile', '--reporter=append-only']);
  done.set();
  say(`packages installed (${since(began)})`);
}

async function buildPackages() {
  const sources = filesBelow('packages', (path) =>
    /\/(src|scripts)\/|package\.json$|tsconfig[^/]*\.json$/.test(path),
  );
  const shared = ['tsconfig.base.json', 'tsup.config.ts', 'turbo.json', 'pnpm-lock.yaml'];
  const built = filesBelow('packages', (path) => /^packages\/[^/]+\/package\.json$/.test(path)).every(
    (path) => existsSync(join(root, path, '..', 'dist', 'index.js')),
  );
  const done = stamp('.espalier-build', [...shared, ...sources], [process.version]);
  if (built && done.isCurrent()) return;
  const began = performance.now();
  say('building …');
  await pnpm(); // turbo runs the build scripts through it
  await must('the build', [
    join(root, 'node_modules', 'turbo', 'bin', 'turbo'),
    'run',
    'build',
    '--output-logs=errors-only',
  ]);
  done.set();
  say(`built (${since(began)})`);
}

/**
 * The native backend makes training several times faster; without it everything still works, on wasm. Where it
 * could not be had it is not tried again for a day.
 */
async function setUpBackend() {
  const began = performance.now();
  const failed = stamp('.espalier-no-native', [], [process.version, new Date().toISOString().slice(0, 10)]);
  if (failed.isCurrent()) {
    say('no native backend, tried today; going on with wasm (try again: npx espalier setup)');
    return;
  }
  try {
    const { setup } = await import(pathToFileURL(join(root, 'packages/backend/dist/index.js')).href);
    const { backend, how } = await setup({ log: (line) => say(`backend: ${line}`) });
    if (backend !== 'wasm') {
      if (how !== 'ready') say(`native backend ready (${since(began)})`);
      return;
    }
    say('going on with wasm');
  } catch (error) {
    say(`no native backend: ${error.message.split('\n')[0]}; going on with wasm`);
  }
  failed.set();
}

/** @throws Error when packages cannot be installed or do not build */
export async function bootstrap() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) throw new Error(`Node ${process.versions.node} is too old: Node 20 or newer is needed`);
  await withLock(async () => {
    const began = performance.now();
    await installPackages();
    await buildPackages();
    await setUpBackend();
    say(`ready (${since(began)})`);
  });
}

/** Runs `work` as a script's main function: one line for an error, its exit code for the process. */
export async function main(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    await bootstrap();
    return 0;
  });
}
