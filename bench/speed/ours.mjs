/** Steps of our trainer, asked for by `training-speed.mjs`: model, backend, batch. */
import { startBackend } from '@espalier/backend';
import { createTrainer, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { batchOf, NETS, STEPS } from './nets.mjs';
import { answer } from './turns.mjs';

const [name, prefer, batch] = process.argv.slice(2);
const backend = await startBackend({ prefer });
const model = NETS[name]();
const { x, y } = batchOf(name, Number(batch), model);
const steps = STEPS[name];
const data = {
  size: Number(batch) * steps,
  stepsPerEpoch: steps,
  *batches() {
    for (let s = 0; s < steps; s++) yield { inputs: tf.clone(x), labels: tf.clone(y) };
  },
};
const { optimizers, recorder } = backend;
const trainer = await createTrainer(new Run(model), {
  data,
  epochs: 1e6,
  ...(optimizers && { optimizers }),
  ...(recorder && { recorder }),
});
const { versions, threads } = backend;
await answer({ ready: true, backend: backend.name, versions, threads }, async (count) => {
  if (count % steps !== 0) throw new Error(`steps come in ${steps}`);
  for (let s = 0; s < count; s += steps) await trainer.nextEpoch();
});
