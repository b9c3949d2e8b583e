/**
 * Where the time of a training step goes: each op that the native backend is asked for, by name and shapes, least wall time of the
 * steps, with one thread and with two. Ops are timed as TF.js asks for them, one by one: no step is replayed. Prints JSON, milliseconds,
 * those that take most with the most threads first; `scales` is the first over the last.
 *
 *   node bench/step-ops.mjs [--model vgg] [--threads 1,2] [--steps 6] [--most 40] [--by shapes|op]
 */

import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { createTrainer, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { round } from './lib/numbers.mjs';
import { batchOf, batchSizeOf, NETS } from './speed/nets.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'vgg' },
    threads: { type: 'string', default: '1,2' },
    steps: { type: 'string', default: '6' },
    most: { type: 'string', default: '40' },
    by: { type: 'string', default: 'shapes' },
  },
});
const steps = Number(values.steps);
const started = await startBackend({ prefer: 'native' });
const backend = tf.backend();

/** Milliseconds of each call of a step, in order, and what was called. */
async function timed(threads) {
  backend.binding.setThreads(threads);
  const model = NETS[values.model]();
  const batch = batchSizeOf(values.model);
  const { x, y } = batchOf(values.model, batch, model);
  const data = {
    size: batch,
    stepsPerEpoch: 1,
    *batches() {
      yield { inputs: tf.clone(x), labels: tf.clone(y) };
    },
  };
  const trainer = await createTrainer(new Run(model), { data, epochs: 1e6, optimizers: started.optimizers });
  const { binding } = backend;
  const shapes = new Map();
  let calls = [];
  const wrapped = Object.create(binding, {
    executeOp: {
      value(op, attributes, inputs, count) {
        const began = performance.now();
        const outputs = binding.executeOp(op, attributes, inputs, count);
        const took = performance.now() - began;
        for (const { id, shape } of outputs) shapes.set(id, shape);
        calls.push({ op, key: inputs.map((id) => (shapes.get(id) ?? ['?']).join('x')).join(' '), took });
        return outputs;
      },
    },
    runTaking: {
      value: undefined,
    },
    createTensor: {
      value(shape, dtype, numbers) {
        const id = binding.createTensor(shape, dtype, numbers);
        shapes.set(id, shape);
        return id;
      },
    },
  });
  let least;
  const walls = [];
  for (let s = 0; s < steps + 2; s++) {
    if (s >= 2) backend.binding = wrapped;
    calls = [];
    const began = performance.now();
    await trainer.nextEpoch();
    walls.push(performance.now() - began);
    backend.binding = binding;
    if (s < 2) continue;
    if (least === undefined) least = calls;
    else if (least.length !== calls.length) throw new Error(`${least.length} calls, then ${calls.length}`);
    else
      for (const [i, one] of calls.entries()) least[i] = { ...one, took: Math.min(one.took, least[i].took) };
  }
  trainer.dispose?.();
  return { calls: least, wall: Math.min(...walls.slice(2)) };
}

const runs = [];
const threads = values.threads.split(',').map(Number);
for (const count of threads) runs.push(await timed(count));
const rows = new Map();
for (const [i, { op, key }] of runs[0].calls.entries()) {
  const name = values.by === 'op' ? op : `${op} ${key}`;
  const row = rows.get(name) ?? { name, calls: 0, ms: threads.map(() => 0) };
  row.calls++;
  for (const [t, { calls }] of runs.entries()) row.ms[t] += calls[i].took;
  rows.set(name, row);
}
const all = [...rows.values()].sort((a, b) => b.ms.at(-1) - a.ms.at(-1));
const sum = (t) => all.reduce((total, { ms }) => total + ms[t], 0);
console.log(
  JSON.stringify(
    {
      benchmark: 'step-ops',
      model: values.model,
      threads,
      stepMs: runs.map(({ wall }) => round(wall, 2)),
      opsMs: threads.map((_, t) => round(sum(t), 2)),
      ops: all.slice(0, Number(values.most)).map(({ name, calls, ms }) => ({
        name,
        calls,
        ms: ms.map((m) => round(m, 3)),
        scales: round(ms[0] / ms.at(-1), 2),
      })),
    },
    null,
    2,
  ),
);
process.exit(0);
