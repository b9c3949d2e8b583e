/**
 * What it costs to watch a run, in the processor's seconds of one process in which epochs and looks take turns: LeNet-300-100, 430 steps of
 * 128 an epoch, native, one thread. A look is what `espalier run --watch --tensorboard` does: the weights, their histograms and
 * codebooks, a line of `watch.jsonl`, an event. A run is looked at when a hundred times a look's time has passed, so `share` is of the epochs that come
 * between two looks. Prints JSON. An unwatched run has no watcher: it makes none of these calls.
 *
 *   TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 node bench/watching.mjs [--turns 12]
 */
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { createTrainer, Run } from '@espalier/core';
import { watchTensor } from '@espalier/report';
import { artifactsOf } from '@espalier/runner';
import { openEvents } from '@espalier/studio';
import { lenet300, randomData } from './lib/lenet-300-100.mjs';
import { median, round } from './lib/numbers.mjs';

const { values } = parseArgs({ options: { turns: { type: 'string', default: '12' } } });
const backend = await startBackend({ prefer: 'native', log: () => {} });
const folder = await mkdtemp(join(tmpdir(), 'espalier-watching-'));
const run = new Run(lenet300());
const { optimizers, recorder } = backend;
const data = randomData(128, 430);
const epochs = Number(values.turns) + 1;
const trainer = await createTrainer(run, {
  data,
  epochs,
  ...(optimizers && { optimizers }),
  ...(recorder && { recorder }),
});
const events = await openEvents(folder);

/** Processor's seconds that some work takes. */
async function secondsOf(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function look(epoch) {
  const { weightSpecs, weightData } = await artifactsOf(run.model);
  let at = 0;
  const tensors = weightSpecs.map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const numbers = new Float32Array(weightData, at, size);
    at += 4 * size;
    return watchTensor(name, shape, numbers);
  });
  const line = { stage: 'dense', epoch, time: Date.now(), tensors };
  await appendFile(join(folder, 'watch.jsonl'), `${JSON.stringify(line)}\n`);
  await events.epoch(epoch + 1, trainer.history.at(-1));
  await events.tensors(epoch + 1, line);
}

const [trained, looked] = [[], []];
for (let epoch = 0; epoch < epochs; epoch++) {
  const seconds = await secondsOf(() => trainer.nextEpoch());
  const own = await secondsOf(() => look(epoch));
  // The first of each compiles.
  if (epoch === 0) continue;
  trained.push(seconds);
  looked.push(own);
}
await trainer.finish();
await rm(folder, { recursive: true });
const [epoch, one] = [median(trained), median(looked)];
const between = Math.max(1, Math.ceil((100 * one) / epoch));
process.stdout.write(
  `${JSON.stringify(
    {
      backend: backend.name,
      turns: trained.length,
      epochSeconds: round(epoch, 3),
      lookSeconds: round(one, 4),
      epochsFromLookToLook: between,
      share: round(one / (between * epoch), 5),
    },
    null,
    2,
  )}\n`,
);
