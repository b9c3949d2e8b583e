import '@tensorflow/tfjs-backend-cpu';
import { createTrainer, type Schedule } from '@espalier/core';
import * as structured from '@espalier/pruners-structured';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { dataOf, filters, net, posteriors, schedules } from './every-plugin.js';

/** Reads of tensors since the last look: those for which somebody waited, and those that came later. */
const reads = { now: 0, later: 0 };

beforeAll(() => {
  const engine = tf.engine();
  const { readSync, read } = engine;
  vi.spyOn(engine, 'readSync').mockImplementation((id) => {
    reads.now++;
    return readSync.call(engine, id);
  });
  vi.spyOn(engine, 'read').mockImplementation((id) => {
    reads.later++;
    return read.call(engine, id);
  });
});

beforeEach(() => {
  reads.now = 0;
  reads.later = 0;
});

/** Trains with a schedule, and a checkpoint at every epoch; what was read. */
async function readsOf(make: () => Schedule, stepsPerEpoch: number): Promise<typeof reads> {
  const run = net();
  const trainer = await createTrainer(run, {
    data: dataOf(stepsPerEpoch),
    validation: dataOf(1),
    epochs: 3,
    schedules: [make()],
  });
  const before = { ...reads }; // What a plugin has to know to begin is read at once where that can be.
  while (!trainer.done) {
    await trainer.nextEpoch();
    await trainer.save();
    await run.save();
  }
  await trainer.finish();
  run.dispose();
  return { now: reads.now - before.now, later: reads.later - before.later };
}

it.each(Object.entries({ ...schedules, ...posteriors }))(
  '%s reads nothing in a step, and waits for no read ever',
  async (_, make) => {
    const few = await readsOf(make, 2);
    const many = await readsOf(make, 7);
    expect(few.now).toBe(0);
    expect(many).toEqual(few);
  },
);

it('thinning waits for no read', async () => {
  const run = net();
  const pruner = structured.structuredLevel({ structure: 'filters', sparsity: 0.5 });
  await run.prune(pruner, filters);
  reads.now = 0;
  const { session } = await run.start(structured.thin());
  await run.replaceModel(await session.apply(run.model));
  expect(run.parameter(filters).shape).toEqual([3, 3, 1, 2]);
  expect(reads.now).toBe(0);
});
