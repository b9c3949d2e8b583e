/**
 * Packs what a bare x86-64 Linux machine with a graphics driver, but without Node and without a network, needs to run
 * `bench/gpu.mjs`: Node, Dawn, the Vulkan loader and what NVIDIA's driver links to, TF.js, our built packages, MNIST.
 * Run it where npm's packages are installed and built and apt-get works (Debian):
 *
 *   node bench/gpu/pack.mjs gpu-kit.tar.xz
 *
 * There: tar xJf gpu-kit.tar.xz && . gpu-kit/enter.sh && node bench/gpu.mjs --out results.jsonl
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = resolve(process.argv[2] ?? 'gpu-kit.tar.xz');
const temporary = mkdtempSync(join(tmpdir(), 'gpu-kit-'));
const kit = join(temporary, 'gpu-kit');
const project = join(kit, 'project');

/** Debian's packages: the Vulkan loader, and what NVIDIA's driver needs although nothing is drawn. */
const LIBRARIES =
  `libvulkan1 libegl1 libglvnd0 libopengl0 libgl1 libglx0 libgles2 libx11-6 libxext6 libxcb1 libxau6
  libxdmcp6 libbsd0 libmd0`.split(/\s+/);

/** Packages of ours and of others that the benchmark and the command line load. */
const PACKAGES = ['backend', 'core', 'runner', 'quantize-kmeans', 'pruners', 'pruners-structured']
  .map((name) => `@espalier/${name}`)
  .concat(
    ['core', 'layers', 'backend-cpu', 'backend-wasm', 'backend-webgpu'].map(
      (name) => `@tensorflow/tfjs-${name}`,
    ),
  )
  .concat('webgpu');

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function find(name, from) {
  for (const folder of createRequire(join(from, 'index.js')).resolve.paths(name)) {
    if (existsSync(join(folder, name, 'package.json'))) return realpathSync(join(folder, name));
  }
  return undefined;
}

const packed = new Set();

/** A package as it is published, without what only people and browsers read, and all that it depends on. */
function pack(name, from) {
  if (packed.has(name)) return;
  const folder = find(name, from);
  if (!folder) return; // An optional peer.
  packed.add(name);
  const to = join(project, 'node_modules', name);
  const { main, dependencies = {}, peerDependencies = {} } = manifest(folder);
  mkdirSync(to, { recursive: true });
  if (name.startsWith('@tensorflow/')) {
    for (const file of ['package.json', main]) {
      mkdirSync(dirname(join(to, file)), { recursive: true });
      copyFileSync(join(folder, file), join(to, file));
    }
    if (name.endsWith('wasm')) {
      const wasm = ['', '-simd', '-threaded-simd'].map((kind) => `tfjs-backend-wasm${kind}.wasm`);
      for (const file of wasm) copyFileSync(join(folder, 'dist', file), join(to, 'dist', file));
    }
  } else if (name === 'webgpu') {
    for (const file of ['package.json', 'index.js', 'LICENSE.md', join('dist', 'linux-x64')]) {
      cpSync(join(folder, file), join(to, file), { recursive: true });
    }
    return;
  } else {
    const useless = /\.(map|d\.[mc]?ts|md)$|^(src|test|tests|docs|node_modules|\.turbo)$/;
    const ours = name.startsWith('@espalier/');
    cpSync(folder, to, {
      recursive: true,
      filter: (path) =>
        path === folder || !(ours ? useless : /\.(map|d\.[mc]?ts)$|^node_modules$/).test(basename(path)),
    });
  }
  const tfjs = Object.keys(peerDependencies).filter((peer) => !peer.includes('tfjs-node'));
  for (const other of [...Object.keys(dependencies), ...tfjs]) pack(other, folder);
}

try {
  mkdirSync(join(kit, 'bin'), { recursive: true });
  copyFileSync(realpathSync(process.execPath), join(kit, 'bin', 'node'));
  execFileSync('strip', [join(kit, 'bin', 'node')], { stdio: 'ignore' });
  for (const name of PACKAGES) pack(name, join(root, 'bench'));
  for (const folder of ['bench', join('examples', 'lenet-300-100'), join('examples', 'lenet-5-structured')]) {
    const nothing = (path) => basename(path) !== 'node_modules';
    cpSync(join(root, folder), join(project, folder), { recursive: true, filter: nothing });
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));

  const built = (name) => import(join(root, 'packages', name, 'dist', 'index.js'));
  const [{ cacheRoot }, { loadDataset }] = [await built('backend'), await built('datasets')];
  await loadDataset('mnist', { log: console.log }); // Into the cache, where it is not there yet.
  const data = join('datasets', 'mnist');
  cpSync(join(cacheRoot(), data), join(kit, 'cache', 'espalier', data), { recursive: true });

  const libraries = join(temporary, 'libraries');
  mkdirSync(libraries);
  execFileSync('apt-get', ['download', '-qq', ...LIBRARIES], { cwd: libraries, stdio: 'ignore' });
  execFileSync('sh', ['-c', `for f in *.deb; do dpkg -x "$f" "${join(kit, 'gl')}"; done`], {
    cwd: libraries,
  });
  rmSync(join(kit, 'gl', 'usr', 'share'), { recursive: true, force: true });

  copyFileSync(join(root, 'bench', 'gpu', 'enter.sh'), join(kit, 'enter.sh'));
  execFileSync('sh', ['-c', `tar -C "${temporary}" -cf - gpu-kit | xz -T0 -1 > "${out}"`]);
  console.log(`${out}: ${(statSync(out).size / 1e6).toFixed(1)} MB, ${packed.size} packages`);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
