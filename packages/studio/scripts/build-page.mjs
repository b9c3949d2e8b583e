// Bundles the page and its workers into a folder that any server can hand out: `node scripts/build-page.mjs dist/page`. From the
// sources of all packages, so that no other build has to come first.
import { cp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const home = fileURLToPath(new URL('..', import.meta.url));
const page = join(home, 'src/page');
const require = createRequire(import.meta.url);

/** What takes the place of Node's modules, and of what is made for Node alone, where a model is read in a page. */
const standIns = {
  'node:fs': 'disk.ts',
  'node:fs/promises': 'disk.ts',
  'node:os': 'os.ts',
  'node:util': 'util.ts',
  'node:zlib': 'zlib.ts',
  'node:worker_threads': 'worker-threads.ts',
  'node:module': 'module.ts',
  '@espalier/host': 'host.ts',
};

const inPage = {
  name: 'stand-ins',
  setup({ onResolve }) {
    onResolve(
      { filter: /^(node:(fs|fs\/promises|os|util|zlib|worker_threads|module)|@espalier\/host)$/ },
      ({ path }) => ({
        path: join(page, 'stand-ins', standIns[path]),
      }),
    );
    onResolve({ filter: /^node:path$/ }, () => ({ path: require.resolve('path-browserify') }));
    // Of parsers that are not ours a page needs that of HDF5: pictures the browser reads itself.
    onResolve({ filter: /\/foreign\.js$/ }, ({ importer }) =>
      importer.includes('formats') ? { path: join(page, 'stand-ins/foreign.ts') } : undefined,
    );
    onResolve({ filter: /^(fast-png|jpeg-js|omggif|@jsquash\/webp\/decode\.js)$/ }, ({ importer }) =>
      importer.includes('formats') ? { path: join(page, 'stand-ins/no-pictures.ts') } : undefined,
    );
  },
};

const formats = dirname(require.resolve('@espalier/formats/package.json'));

/** Bundles the page into a folder, of which what it held before is deleted. */
export async function buildPage(outdir) {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const result = await build({
    entryPoints: {
      studio: join(page, 'main.tsx'),
      'model-worker': join(page, 'work/worker.ts'),
      hdf5: join(formats, 'src/worker.js'),
      fetch: join(page, 'fetch.ts'),
    },
    outdir,
    bundle: true,
    format: 'esm',
    splitting: true,
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    conditions: ['espalier-source', 'module', 'browser'],
    mainFields: ['module', 'main'],
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    loader: { '.css': 'text' },
    plugins: [inPage],
    logLevel: 'warning',
    metafile: true,
  });
  const wasm = join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist');
  for (const kind of ['', '-simd', '-threaded-simd']) {
    await cp(join(wasm, `tfjs-backend-wasm${kind}.wasm`), join(outdir, `tfjs-backend-wasm${kind}.wasm`));
  }
  // Node is led to one of its folders, a page to another beside it.
  const brotli = dirname(require.resolve('brotli-wasm'));
  await cp(join(brotli, 'pkg.web/brotli_wasm_bg.wasm'), join(outdir, 'brotli_wasm_bg.wasm'));
  for (const file of ['index.html', 'fetch.html']) await cp(join(page, file), join(outdir, file));
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildPage(resolve(process.argv[2] ?? join(home, 'dist/page')));
