/**
 * Convolutions and their gradients, shape by shape, by processor time on one thread, least of twelve: what TF.js asks of TensorFlow
 * (oneDNN's kernels), what the addon's own op takes, which of both `startBackend` runs, and PyTorch where it is installed.
 * Prints JSON, milliseconds: `[forward, gradient of the picture, gradient of the filter]`. The rule in
 * `packages/backend/src/native/conv2d.ts` comes from these figures.
 *
 *   node bench/convolutions.mjs [--python python3]
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs-core';
import { round } from './lib/numbers.mjs';

const { values } = parseArgs({
  options: { python: { type: 'string', default: process.env.PYTHON ?? 'python3' } },
});
process.env.TF_NUM_INTRAOP_THREADS = '1';

/** Pictures, side, channels, side of the filter, stride, filters (0: depthwise). */
const SHAPES = [
  [128, 28, 1, 5, 1, 20],
  [128, 12, 20, 5, 1, 50],
  [128, 28, 1, 3, 2, 64],
  [128, 14, 64, 3, 1, 64],
  [128, 7, 64, 3, 1, 128],
  [128, 7, 128, 3, 1, 128],
  [128, 5, 128, 3, 1, 128],
  [128, 4, 128, 3, 1, 128],
  [128, 3, 128, 3, 1, 256],
  [128, 3, 256, 3, 1, 256],
  [128, 14, 16, 3, 1, 16],
  [128, 14, 16, 1, 2, 32],
  [128, 7, 32, 3, 2, 64],
  [128, 4, 64, 3, 1, 64],
  [32, 96, 3, 3, 2, 32],
  [32, 48, 16, 1, 1, 96],
  [32, 24, 144, 1, 1, 24],
  [32, 12, 32, 1, 1, 192],
  [32, 6, 64, 1, 1, 384],
  [32, 6, 576, 1, 1, 96],
  [32, 3, 160, 1, 1, 960],
  [32, 3, 320, 1, 1, 1280],
  [32, 48, 32, 3, 1, 0],
  [32, 48, 96, 3, 2, 0],
  [32, 24, 144, 3, 1, 0],
  [32, 12, 192, 3, 1, 0],
  [32, 6, 384, 3, 1, 0],
  [32, 3, 960, 3, 1, 0],
];

createRequire(import.meta.url)('@tensorflow/tfjs-node');
const STOCK = new Map(
  ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'].map((name) => [
    name,
    tf.getKernel(name, 'tensorflow').kernelFunc,
  ]),
);
await startBackend({ prefer: 'native' });
const backend = tf.backend();

function least(work) {
  const times = [];
  for (let i = 0; i < 14; i++) {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    result.dispose();
    if (i >= 2) times.push((user + system) / 1000);
  }
  return round(Math.min(...times), 3);
}

function measure([n, side, channels, k, stride, filters]) {
  const x = tf.randomNormal([n, side, side, channels]);
  const filter = tf.randomNormal([k, k, channels, filters || 1]);
  const conv = (a, b) => (filters ? tf.conv2d : tf.depthwiseConv2d)(a, b, stride, 'same');
  const y = conv(x, filter);
  const dy = tf.randomNormal(y.shape);
  const common = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] };
  const prefix = filters ? 'Conv2D' : 'DepthwiseConv2dNative';
  const calls = [
    [filters ? 'Conv2D' : prefix, { x, filter }, common],
    [`${prefix}BackpropInput`, { dy, filter }, { ...common, inputShape: x.shape }],
    [`${prefix}BackpropFilter`, { x, dy }, { ...common, filterShape: filter.shape }],
  ];
  const row = { shape: [n, side, channels, k, stride, filters] };
  const runs = calls.map(
    ([name, inputs, attrs]) =>
      () =>
        STOCK.get(name)?.({ inputs, attrs, backend }) ?? tf.engine().runKernel(name, inputs, attrs),
  );
  row.tensorflow = runs.map(least);
  if (filters) {
    const { padInfo, outHeight, outWidth } = tf.backend_util.computeConv2DInfo(
      x.shape,
      filter.shape,
      stride,
      1,
      'same',
    );
    const numbers = [side, side, k, k, stride, stride, padInfo.top, padInfo.left, 1, 1, outHeight, outWidth];
    const geometry = tf.tensor1d(numbers, 'int32');
    const ours = [
      ['EspalierConv', [x, filter, geometry]],
      ['EspalierConvGradX', [dy, filter, geometry]],
      ['EspalierConvGradFilter', [x, dy, geometry]],
    ];
    row.addon = ours.map(([op, inputs]) => least(() => backend.executeSingleOutput(op, [], inputs)));
    geometry.dispose();
  }
  row.taken = calls.map(([name, inputs, attrs]) => least(() => tf.engine().runKernel(name, inputs, attrs)));
  tf.dispose([x, filter, y, dy]);
  return row;
}

const rows = SHAPES.map(measure);
const script = fileURLToPath(new URL('speed/torch_convolutions.py', import.meta.url));
const torch = spawnSync(values.python, [script, JSON.stringify(SHAPES)], { encoding: 'utf8' });
const theirs = torch.status === 0 ? JSON.parse(torch.stdout) : undefined;
for (const [i, row] of rows.entries()) if (theirs) row.torch = theirs[i];
const missing = theirs ? {} : { missing: torch.stderr?.trim().split('\n').pop() ?? String(torch.error) };
console.log(JSON.stringify({ benchmark: 'convolutions', node: process.version, ...missing, rows }, null, 2));
process.exit(0);
