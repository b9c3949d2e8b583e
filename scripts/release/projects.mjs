// Empty projects, as users have them, and what is tried in each. A project that fails throws what its command said.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A net that learns nothing: enough for all that reads, packs and shrinks models. Weights are a wave. */
function writeModel(folder) {
  const sizes = [64, 32, 4];
  const layers = sizes.slice(1).map((units, i) => ({
    class_name: 'Dense',
    config: {
      name: `dense_${i}`,
      units,
      activation: 'relu',
      ...(i === 0 && { batch_input_shape: [null, 64] }),
    },
  }));
  const weights = layers.flatMap(({ config: { name, units } }, i) => [
    { name: `${name}/kernel`, shape: [sizes[i], units], dtype: 'float32' },
    { name: `${name}/bias`, shape: [units], dtype: 'float32' },
  ]);
  const length = weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
  writeFileSync(
    join(folder, 'weights.bin'),
    Float32Array.from({ length }, (_, i) => Math.sin(7 * i)),
  );
  writeFileSync(
    join(folder, 'model.json'),
    JSON.stringify({
      format: 'layers-model',
      modelTopology: { class_name: 'Sequential', config: { name: 'tiny', layers } },
      weightsManifest: [{ paths: ['weights.bin'], weights }],
    }),
  );
}

const RECIPE = `name: tiny
data: { csv: table.csv, target: kind }
model:
  layers:
    - dense: { units: 16, activation: relu }
    - dense: { units: 2, activation: softmax }
stages:
  - { name: dense, epochs: 2 }
  - name: prune
    epochs: 2
    schedules: [{ use: 'pruners#agp', options: { final: 0.8 } }]
  - { name: share, use: 'quantize-kmeans#kmeans', options: { clusters: 4 } }
`;

function writeRecipe(folder) {
  const row = (_, i) =>
    [Math.sin(i), Math.cos(3 * i), Math.sin(i) + Math.cos(3 * i) > 0 ? 'high' : 'low'].join();
  writeFileSync(join(folder, 'table.csv'), ['a,b,kind', ...Array.from({ length: 200 }, row)].join('\n'));
  writeFileSync(join(folder, 'recipe.yaml'), RECIPE);
}

const TYPED = `import { espalier, encode, type EncodeOptions } from '@espalier/codec';
import { Run, createTrainer, type Plugin } from '@espalier/core';
import { level } from '@espalier/pruners';
import { compress } from '@espalier/compress';
import { defineRecipe } from 'espalier';
import * as tfl from '@tensorflow/tfjs-layers';

const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] });
const run = new Run(model);
const plugin: Plugin = level({ sparsity: 0.5 });
run.prune(level({ sparsity: 0.5 }));
const options: EncodeOptions = { effort: 3 };
// @ts-expect-error: effort is a number
const wrong: EncodeOptions = { effort: 'much' };
export const recipe = defineRecipe({ name: 'a', data: { name: 'mnist' }, model: 'lenet-5', stages: [] });
export { compress, createTrainer, encode, espalier, options, plugin, wrong };
`;

/** The oldest compiler that is promised, and each since. */
const COMPILERS = ['5.6.3', '5.7.3', '5.8.3', '5.9.3', '6.0.3'];

const strict = { strict: true, noEmit: true, target: 'ES2022', types: [], skipLibCheck: true };
const TYPES = {
  nodenext: { ...strict, module: 'NodeNext', moduleResolution: 'NodeNext' },
  bundler: { ...strict, module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2023', 'DOM'] },
};

/** With `skipLibCheck: false`: what TF.js declares has errors of its own, what Espalier does must have none. */
async function checkDeclarations(folder, node) {
  const compilerOptions = { ...TYPES.nodenext, skipLibCheck: false, types: ['node'] };
  writeFileSync(
    join(folder, 'declarations.json'),
    JSON.stringify({ compilerOptions, include: ['index.ts'] }),
  );
  const compiler = join(folder, 'node_modules', `typescript-${COMPILERS.at(-2)}`, 'bin/tsc');
  const said = await node([compiler, '-p', 'declarations.json'], folder).catch(({ message }) => message);
  const ours = said
    .split('\n')
    .filter(
      (line) => /^index\.ts|node_modules\/(@espalier\/|espalier\/)/.test(line) && /error TS/.test(line),
    );
  if (ours.length > 0) throw new Error(ours.join('\n'));
}

const DECODE = `import { readFileSync } from 'node:fs';
import { decode } from '@espalier/codec';
const { weightSpecs } = await decode(readFileSync(process.argv[2]));
if (weightSpecs.length !== 4) throw new Error(JSON.stringify(weightSpecs));
console.log('decoded');
`;

const STUDIO = `import { serveStudio } from '@espalier/studio';
const { url, close } = await serveStudio();
for (const file of ['', 'studio.js', 'model-worker.js', 'hdf5.js', 'tfjs-backend-wasm-simd.wasm', 'fetch.html']) {
  const { ok, status } = await fetch(url + file);
  if (!ok) throw new Error(\`\${file} gave \${status}\`);
}
await close();
`;

/** A folder with a package.json of an ES module. */
function project(parent, name, more = {}) {
  const folder = join(parent, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, private: true, type: 'module', version: '1.0.0', ...more }),
  );
  return folder;
}

/**
 * What users do first, each in a project of its own. Every `try` takes the means to run things and leaves nothing but
 * files; the order matters, since the later read what the first has made.
 *
 * @type {{ name: string, try: (means: { parent: string, npm: Function, npx: Function, pnpm: Function, node: Function }) => Promise<void> }[]}
 */
export const trials = [
  {
    name: 'npx espalier, nothing installed: compress, inspect',
    async try({ parent, npx }) {
      const folder = join(parent, 'empty');
      mkdirSync(folder);
      writeModel(folder);
      await npx(
        ['--yes', 'espalier', 'compress', 'model.json', '-o', 'model.esp', '--backend', 'wasm'],
        folder,
      );
      const inspected = await npx(['--yes', 'espalier', 'inspect', 'model.esp'], folder);
      if (!inspected.includes('dense_0/kernel')) throw new Error(inspected);
    },
  },
  {
    name: 'npm install espalier: a recipe, its plugins by their short names',
    async try({ parent, npm, npx }) {
      const folder = project(parent, 'with-npm');
      await npm(['install', 'espalier'], folder);
      writeRecipe(folder);
      await npx(['espalier', 'run', 'recipe.yaml', '--out', 'run', '--backend', 'wasm'], folder);
      await npx(['espalier', 'unpack', 'run/model.esp', '-o', 'plain'], folder);
    },
  },
  {
    name: 'the studio: its page and all that it loads',
    async try({ parent, node }) {
      const folder = join(parent, 'with-npm');
      writeFileSync(join(folder, 'studio.mjs'), STUDIO);
      await node(['studio.mjs'], folder);
    },
  },
  {
    name: 'pnpm add espalier: the same recipe',
    async try({ parent, pnpm }) {
      const folder = project(parent, 'with-pnpm');
      await pnpm(['add', 'espalier'], folder);
      writeRecipe(folder);
      await pnpm(['exec', 'espalier', 'run', 'recipe.yaml', '--out', 'run', '--backend', 'wasm'], folder);
    },
  },
  {
    name: 'npm install @espalier/codec alone: decode',
    async try({ parent, npm, node }) {
      const folder = project(parent, 'codec');
      await npm(['install', '@espalier/codec'], folder);
      writeFileSync(join(folder, 'decode.js'), DECODE);
      await node(['decode.js', join(parent, 'empty/model.esp')], folder);
    },
  },
  {
    name: `TypeScript ${COMPILERS.join(', ')}, strict: nodenext and bundler; our declarations checked, too`,
    async try({ parent, npm, node }) {
      const folder = project(parent, 'typed');
      const packages = ['codec', 'compress', 'core', 'pruners'].map((name) => `@espalier/${name}`);
      const compilers = COMPILERS.map((version) => `typescript-${version}@npm:typescript@${version}`);
      await npm(
        ['install', 'espalier', ...packages, '@tensorflow/tfjs-layers', '@types/node@20', ...compilers],
        folder,
      );
      writeFileSync(join(folder, 'index.ts'), TYPED);
      await checkDeclarations(folder, node);
      for (const [name, compilerOptions] of Object.entries(TYPES)) {
        writeFileSync(
          join(folder, `${name}.json`),
          JSON.stringify({ compilerOptions, include: ['index.ts'] }),
        );
        for (const version of COMPILERS) {
          const compiler = join(folder, 'node_modules', `typescript-${version}`, 'bin/tsc');
          await node([compiler, '-p', `${name}.json`], folder).catch((error) => {
            throw new Error(`TypeScript ${version}, ${name}: ${error.message}`);
          });
        }
      }
    },
  },
];
