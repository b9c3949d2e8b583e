import { startBackend } from '@espalier/backend';
import { groupHorseshoe, groupNormalJeffreys } from '@espalier/bayesian-layers';
import { createTrainer, Run } from '@espalier/core';
import { batches, loadDataset } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fs from 'node:fs';
const o = JSON.parse(process.argv[2]); // {model, prior, options, epochs, lr:[a,b], subset}
const backend = await startBackend({ prefer: 'native' });
const dir = o.model ?? 'runs/l5a/tfjs';
const json = JSON.parse(fs.readFileSync(dir + '/model.json')); const bin = fs.readFileSync(dir + '/group1-shard1of1.bin');
const model = await tfl.loadLayersModel({ load: async () => ({ modelTopology: json.modelTopology, weightSpecs: json.weightsManifest[0].weights, weightData: bin.buffer.slice(bin.byteOffset, bin.byteOffset + bin.length) }) });
const ds = await loadDataset('mnist', { validation: 5000, seed: 42 });
const val = batches(ds.validation, { batchSize: 1000 });
const data = batches(ds.train, { batchSize: 128, shuffle: 5, augment: { shift: 2 } });
const prior = { gnj: groupNormalJeffreys, ghs: groupHorseshoe }[o.prior ?? 'gnj']({ frames: false, pruneFrom: false, ...o.options });
const run = new Run(model, { seed: 42 });
const n = o.epochs ?? 3, [a, b] = o.lr ?? [0.001, 0.0005];
const total = n * data.stepsPerEpoch;
const t = await createTrainer(run, { data, epochs: n, optimizers: backend.optimizers, learningRate: (s) => b + (a - b) * (1 + Math.cos(Math.PI * Math.min(1, s.epoch / s.epochs))) / 2, schedules: [{ plugin: prior }] });
for (let e = 0; e < n; e++) {
  const s = Date.now(); const r = await t.nextEpoch();
  let ok = 0; for (const { inputs, labels } of val.batches(0)) { ok += tf.tidy(() => tf.sum(tf.cast(tf.equal(tf.argMax(model.predict(inputs), 1), tf.argMax(labels, 1)), 'int32')).dataSync()[0]); tf.dispose([inputs, labels]); }
  console.log('epoch', e + 1, 'loss', r.loss?.toFixed(4), 'val', ok / 50, ((Date.now() - s) / 1000).toFixed(0) + 's');
  for (const g of prior.readings()) { const s = [...g.rates].sort((x, y) => x - y); const q = [0, .02, .05, .1, .2, .3, .5, .7, .9, 1].map((p) => s[Math.min(s.length - 1, Math.floor(p * s.length))].toFixed(1)); console.log('  ', g.name, 'n', s.length, 'thr', g.threshold.toFixed(2), 'keep', s.filter((x) => x < g.threshold).length, 'k(-3..2)', [-4, -3, -2, -1, 0, 1, 2].map((t) => s.filter((x) => x < t).length).join(','), 'q', q.join(' ')); }
}
if (o.save) { fs.mkdirSync(o.save, { recursive: true }); }
