/**
 * Runs a smoke test of the built `@espalier/backend` on Node 20, 22, 24 and 26: the native backend (a matmul, an
 * Adam step), wasm, and WebGPU where there is an adapter (a software one too). Other versions' binaries come from the npm packages `node-<platform>-<arch>`, by
 * `npm pack`, into the user's cache directory. One line per version; exits with 1 when one fails. Where a
 * version cannot be had for this platform it is skipped, and the line says so.
 *
 *   node scripts/node-versions.mjs [20 22 24 26]
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '../packages/backend/dist/index.js';
import { prepareSoftwareGpu } from './lib/software-gpu.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26'];

/** The binary of a major version: this process's own, one fetched before, or one fetched now. */
function nodeBinary(major) {
  if (process.versions.node.split('.')[0] === major) return process.execPath;
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const directory = join(cacheRoot(), `node-${major}-${process.platform}-${process.arch}`);
  const binary = join(directory, 'package', 'bin', name);
  if (existsSync(binary)) return binary;
  mkdirSync(cacheRoot(), { recursive: true });
  const temporary = mkdtempSync(join(cacheRoot(), `.tmp-${process.pid}-`));
  try {
    const platform = process.platform === 'win32' ? 'win' : process.platform;
    const spec = `node-${platform}-${process.arch}@${major}`;
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const packed = spawnSync(npm, ['pack', spec, '--silent', '--pack-destination', temporary], {
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    const archive = readdirSync(temporary).find((file) => file.endsWith('.tgz'));
    if (packed.status !== 0 || !archive) return undefined;
    spawnSync('tar', ['-xzf', archive, `package/bin/${name}`], { cwd: temporary, stdio: 'inherit' });
    if (!existsSync(join(temporary, 'package', 'bin', name))) return undefined;
    chmodSync(join(temporary, 'package', 'bin', name), 0o755);
    rmSync(join(temporary, archive));
    if (!existsSync(directory)) renameSync(temporary, directory);
    return binary;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

const SMOKE = `
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs-core';
const said = [];
for (const prefer of process.argv.slice(1)) {
  const backend = await startBackend({ prefer });
  const product = await tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])).data();
  if ([...product].join() !== '19,22,43,50') throw new Error(prefer + ': matMul gives ' + product);
  if (backend.optimizers) {
    const w = tf.variable(tf.tensor1d([1, 1]));
    const adam = backend.optimizers.adam([{ name: 'all', variables: [w], learningRate: 0.1 }]);
    adam.step({ [w.name]: tf.tensor1d([3, -3]) });
    const [a, b] = await w.data();
    if (Math.abs(a - 0.9) > 1e-5 || Math.abs(b - 1.1) > 1e-5) throw new Error('Adam gives ' + [a, b]);
  }
  said.push(prefer + ' ' + (backend.versions.tensorflow ?? backend.versions.package.split(' ')[1]));
}
console.log('SMOKE ' + said.join(', '));
`;

const backends = ['native', 'wasm', ...(prepareSoftwareGpu() ? ['webgpu'] : [])];
if (!backends.includes('webgpu'))
  console.log('webgpu: skipped, there is neither a software adapter nor VK_DRIVER_FILES');

let failed = 0;
for (const major of versions) {
  const binary = nodeBinary(major);
  if (!binary) {
    console.log(`node ${major}: skipped, npm has no binary for ${process.platform}-${process.arch}`);
    continue;
  }
  // From the bench folder, which depends on the package.
  const run = spawnSync(binary, ['--input-type=module', '-e', SMOKE, ...backends], {
    cwd: join(root, 'bench'),
    encoding: 'utf8',
    timeout: 120_000,
  });
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  const good = run.stdout?.match(/^SMOKE (.*)$/m)?.[1];
  if (run.status === 0 && good) {
    console.log(`node ${major} (${version}): passed, ${good}`);
  } else {
    failed += 1;
    const why = `${run.stderr ?? ''}${run.error ?? ''}`.trim().split('\n');
    console.log(
      `node ${major} (${version}): FAILED, ${why.find((line) => /Error/.test(line)) ?? why.at(-1)}`,
    );
  }
}
process.exitCode = failed > 0 ? 1 : 0;
