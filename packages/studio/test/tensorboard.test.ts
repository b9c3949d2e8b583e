import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchTensor } from '@espalier/report';
import { describe, expect, it } from 'vitest';
import { openEvents, recordRun } from '../src/index.js';
import { crc32c, eventFilesIn, recordsOf } from './events.js';

const folderOf = (): Promise<string> => mkdtemp(join(tmpdir(), 'espalier-events-'));

describe('event files of TensorBoard', () => {
  it('are records of TensorFlow with the check sums that it asks for', async () => {
    // The check value of CRC-32C (iSCSI), so that the reader is right.
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    const folder = await folderOf();
    await openEvents(folder);
    const [name] = readdirSync(folder);
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    const file = readFileSync(join(folder, name));
    expect(recordsOf(file)).toHaveLength(1);
    file[20] ^= 1;
    expect(() => recordsOf(file)).toThrow('data');
  });

  it('hold the scalars of epochs, and of each tensor a histogram, zeros and bytes', async () => {
    const folder = await folderOf();
    const events = await openEvents(folder);
    await events.epoch(1, {
      epoch: 0,
      loss: 0.5,
      validationLoss: 0.25,
      validationAccuracy: 0.75,
      validationMetrics: { f1: 0.625 },
      learningRate: 0.125,
      sparsity: 0.5,
      seconds: 2,
      wait: 1,
    });
    await events.epoch(2, { epoch: 1, loss: Number.NaN, validationLoss: undefined as never });
    const values = Float32Array.of(0, 0, -1, 1, 1, 0.5);
    const empty = watchTensor('bias', [2], Float32Array.of(0, 0));
    await events.tensors(2, {
      tensors: [watchTensor('schön/kernel', [2, 3], values), empty],
      memory: { process: 2 ** 30, tensors: 4096 },
    });
    await events.scalars(3_000_000_000, { 'file/bytes': 12345 });
    const [{ version, restarts, scalars, histograms }] = eventFilesIn(folder);
    expect(version).toBe('brain.Event:2');
    expect(restarts).toEqual([]);
    expect(scalars['loss/training'][0]).toEqual([1, 0.5]);
    expect(scalars['loss/training'][1][1]).toBeNaN();
    expect(scalars).toMatchObject({
      'loss/validation': [[1, 0.25]],
      'metrics/accuracy': [[1, 0.75]],
      'metrics/f1': [[1, 0.625]],
      'training/learning rate': [[1, 0.125]],
      'weights/zeros': [[1, 0.5]],
      'training/seconds': [[1, 2]],
      'training/seconds waiting for data': [[1, 1]],
      'zeros/bias': [[2, 1]],
      'memory/process': [[2, 2 ** 30]],
      'memory/tensors': [[2, 4096]],
      'file/bytes': [[3_000_000_000, 12345]],
    });
    expect(scalars['zeros/schön/kernel'][0][1]).toBeCloseTo(1 / 3, 6);
    expect(scalars['weights/bytes'][0][1]).toBe(
      scalars['bytes/schön/kernel'][0][1] + scalars['bytes/bias'][0][1],
    );
    // All values but zeros, from the least to the greatest; of a tensor of zeros there is nothing to draw.
    expect(Object.keys(histograms)).toEqual(['schön/kernel']);
    const [[step, rows]] = histograms['schön/kernel'];
    expect([step, rows[0][0], rows.at(-1)![1]]).toEqual([2, -1, 1]);
    expect(rows.map(([, , count]) => count).filter(Boolean)).toEqual([1, 1, 2]);
    for (const [i, [left]] of rows.entries()) if (i > 0) expect(left).toBe(rows[i - 1][1]);
  });

  it('are written by one’s own loop, which goes on where it was', async () => {
    const folder = await folderOf();
    const first = await recordRun(folder, { tensorboard: true });
    for (const epoch of [0, 1]) await first.epoch({ epoch, loss: 1 / (1 + epoch) });
    const weights = [{ name: 'kernel', shape: [2], values: Float32Array.of(1, 2) }];
    const next = await recordRun(folder, { tensorboard: true });
    await next.epoch({ epoch: 2, loss: 0.25 }, weights);
    await next.end();
    const files = eventFilesIn(folder);
    expect(files.map(({ restarts }) => restarts)).toEqual([[], [3]]);
    expect(files.map(({ scalars }) => scalars['loss/training'])).toEqual([
      [
        [1, 1],
        [2, 0.5],
      ],
      [[3, 0.25]],
    ]);
    expect(files[1].histograms.kernel).toHaveLength(1);
    const plain = await folderOf();
    await (await recordRun(plain)).epoch({ epoch: 0, loss: 1 });
    expect(readdirSync(plain).sort()).toEqual(['lock', 'metrics.jsonl']);
  });
});
