/** Steps of TF.js's own `model.fit`, asked for by `training-speed.mjs`: nothing of ours is loaded. */
import { createRequire } from 'node:module';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { batchOf, NETS } from './nets.mjs';
import { answer } from './turns.mjs';

const [name, kind, batch] = process.argv.slice(2);
const require = createRequire(import.meta.url);
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
require(kind === 'native' ? '@tensorflow/tfjs-node' : `@tensorflow/tfjs-backend-${kind}`);
await tf.setBackend(kind === 'native' ? 'tensorflow' : kind);
await tf.ready();
const model = NETS[name]();
const { x, y } = batchOf(name, Number(batch), model);
model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });
await answer({ ready: true }, async (count) => {
  const [xs, ys] = [x, y].map((t) => tf.tile(t, [count, ...t.shape.slice(1).fill(1)]));
  await model.fit(xs, ys, { batchSize: Number(batch), epochs: 1, verbose: 0, shuffle: false });
  tf.dispose([xs, ys]);
});
