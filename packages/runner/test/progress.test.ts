import { encode } from '@espalier/codec';
import { expect, it, vi } from 'vitest';
import { packedBytes } from '../src/packed-bytes.js';
import { readCheckpoint } from '../src/pipeline/checkpoint.js';
import { Progress } from '../src/pipeline/progress.js';
import { folder } from './fixtures.js';

vi.setConfig({ testTimeout: 120_000 });

const record = { name: 'dense', kind: 'train', seconds: 1, parameters: 2, nonzero: 2 } as const;

const stateOf = (w: Float32Array, stage = 1) => ({
  fingerprint: 'this one',
  backend: 'cpu',
  threads: 1,
  stage,
  topology: { layers: 2 },
  run: { json: { steps: 3 }, arrays: { w } },
  plugins: {},
});

const model = (weights: number) => ({
  weightSpecs: [{ name: 'w', shape: [weights], dtype: 'float32' as const }],
  weightData: Float32Array.from({ length: weights }, (_, i) => Math.sin(i) * (i % 5)).buffer,
});

it.each([100, 100_000])('a model of %i weights has as many bytes as its file', async (weights) => {
  const artifacts = model(weights);
  const bytes = packedBytes(artifacts, { effort: 1 });
  expect(bytes instanceof Promise).toBe(weights > 1000);
  expect(await bytes).toBe(encode(artifacts, { effort: 1 }).length);
});

it('what is wrong with a large model is told as it is of a small one', async () => {
  const wrong = { ...model(100_000), weightSpecs: [{ name: 'w', shape: [7], dtype: 'float32' as const }] };
  let told: unknown;
  try {
    encode(wrong, { effort: 1 });
  } catch (error) {
    told = error;
  }
  await expect(packedBytes(wrong, { effort: 1 })).rejects.toEqual(told);
});

it('a checkpoint is not there before its stage is packed, and is what it was when it was taken', async () => {
  const out = folder();
  const progress = new Progress(out);
  let packed: (bytes: number) => void = () => {};
  progress.add(
    record,
    new Promise<number>((resolve) => {
      packed = resolve;
    }),
  );
  const weights = Float32Array.of(1, 2);
  await progress.write(stateOf(weights));
  weights.fill(9); // Training goes on.
  progress.metrics.push({ stage: 'later' } as never);
  expect(await progress.due()).toBe(false);
  expect(await readCheckpoint(out, 'this one')).toBeUndefined();
  packed(77);
  await progress.written();
  const found = await readCheckpoint(out, 'this one');
  expect(found).toMatchObject({ stage: 1, stages: [{ ...record, bytes: 77 }], metrics: [] });
  expect(found?.run.arrays?.w).toEqual(Float32Array.of(1, 2));
  expect(await progress.stages()).toEqual([{ ...record, bytes: 77 }]);
});

it('a stage that is packed is on disk before the next begins, and the next goes on after it', async () => {
  const out = folder();
  const progress = new Progress(out);
  progress.add(record, 5);
  await progress.write(stateOf(Float32Array.of(1, 2)));
  const found = await readCheckpoint(out, 'this one');
  expect(found?.stages).toEqual([{ ...record, bytes: 5 }]);
  const next = new Progress(out);
  next.goOn(found!);
  expect(await next.stages()).toEqual(found?.stages);
});

it('what packing or the disk fail with is told at the next epoch', async () => {
  const out = folder();
  const progress = new Progress(out);
  progress.add(record, Promise.reject(new Error('too large')));
  await progress.write(stateOf(Float32Array.of(1)));
  await expect(progress.written()).rejects.toThrow('too large');
  await expect(progress.due()).rejects.toThrow('too large');
  await expect(progress.write(stateOf(Float32Array.of(1)))).rejects.toThrow('too large');
  expect(await readCheckpoint(out, 'this one')).toBeUndefined();
  const full = new Progress('/dev/null/nowhere');
  full.add(record, 5);
  await expect(full.write(stateOf(Float32Array.of(1)))).rejects.toMatchObject({ code: 'disk' });
});

/** A number that is told later. */
function later(): { promise: Promise<number>; tell: (bytes: number) => void } {
  let tell: (bytes: number) => void = () => {};
  const promise = new Promise<number>((resolve) => {
    tell = resolve;
  });
  return { promise, tell };
}

it('a stage does not wait for the stage before to be packed, and of what waits the last is written', async () => {
  const out = folder();
  const progress = new Progress(out);
  const [first, second] = [later(), later()];
  progress.add(record, first.promise);
  await progress.write(stateOf(Float32Array.of(1), 1));
  progress.add({ ...record, name: 'tune' }, second.promise);
  await progress.write(stateOf(Float32Array.of(2), 2)); // Would wait for ever.
  first.tell(5);
  await vi.waitFor(async () => expect((await readCheckpoint(out, 'this one'))?.stage).toBe(1), 60_000);
  expect((await readCheckpoint(out, 'this one'))?.stages).toEqual([{ ...record, bytes: 5 }]);
  await progress.write({ ...stateOf(Float32Array.of(3), 2), trainer: { json: 1 } });
  await progress.write({ ...stateOf(Float32Array.of(4), 2), trainer: { json: 2 } });
  second.tell(6);
  await progress.written();
  const found = await readCheckpoint(out, 'this one');
  expect(found?.stages.map(({ bytes }) => bytes)).toEqual([5, 6]);
  expect(found?.run.arrays?.w).toEqual(Float32Array.of(4));
});

it('a third model is not packed before the first is', async () => {
  const progress = new Progress(folder());
  const first = later();
  progress.add(record, first.promise);
  for (const name of ['b', 'c']) progress.add({ ...record, name }, later().promise);
  let gone = false;
  const written = progress.write(stateOf(Float32Array.of(1))).then(() => {
    gone = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(gone).toBe(false);
  first.tell(5);
  await written;
});

it('where it takes long to take a checkpoint, the next is not due soon', async () => {
  const [quick, slow] = [new Progress(folder()), new Progress(folder())];
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  try {
    for (const [progress, took] of [
      [quick, 1],
      [slow, 100],
    ] as const) {
      now.mockReturnValue(0);
      progress.add(record, 5);
      now.mockReturnValue(took);
      await progress.write(stateOf(Float32Array.of(1)), 0);
      now.mockReturnValue(took + 3000);
      expect(await progress.due()).toBe(progress === quick);
    }
    now.mockReturnValue(100 + 10_000);
    expect(await slow.due()).toBe(true);
  } finally {
    now.mockRestore();
  }
});
