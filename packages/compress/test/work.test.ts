import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { compress } from '../src/compress.js';
import { processorSeconds, Work } from '../src/time-budget.js';
import { artifactsOf, fill } from './models.js';

describe('time for the work', () => {
  test('each stage does what fits, by what its pieces took so far, and one piece always', () => {
    let now = 100;
    const work = new Work(10, () => now);
    const stage = work.stage(0.5);
    let pieces = 0;
    for (; stage.fits(); pieces++) now += 1.2;
    expect(pieces).toBe(4);
    expect(now).toBeLessThanOrEqual(105);
    const large = work.stage(0.3);
    expect(large.fits(1)).toBe(true);
    now += 0.5;
    expect(large.fits(8)).toBe(false);
    expect(large.fits(4)).toBe(true);
    now += 20;
    expect(work.left).toBeLessThan(0);
    const late = work.stage(0.2);
    expect([late.fits(), late.fits()]).toEqual([true, false]);
    expect(work.milliseconds(0.5)).toBe(200);
  });

  test('without a limit all is done', () => {
    let now = 0;
    const work = new Work(Number.POSITIVE_INFINITY, () => now);
    const stage = work.stage(0.1, 0.5);
    for (let i = 0; i < 50; i++) {
      expect(stage.fits(1e9)).toBe(true);
      now += 1e6;
    }
    expect(work.milliseconds(0.1)).toBe(Number.POSITIVE_INFINITY);
  });

  test('a model whose work would take many times as long is ready in time', async () => {
    const { layers } = tfl;
    const convolution = (dilationRate: number, strides = 1) =>
      layers.conv2d({
        filters: 12,
        kernelSize: 3,
        strides,
        dilationRate,
        padding: 'same',
        activation: 'relu',
      });
    const model = fill(
      tfl.sequential({
        layers: [
          layers.conv2d({ filters: 12, kernelSize: 3, strides: 2, padding: 'same', inputShape: [64, 64, 3] }),
          ...[1, 2, 3, 1].map((dilation) => convolution(dilation)),
          layers.globalAveragePooling2d({}),
          layers.dense({ units: 6 }),
        ],
      }),
      4,
    );
    const artifacts = await artifactsOf(model);
    const start = processorSeconds();
    const seconds = 2;
    const { fidelity, met } = await compress(artifacts, { quality: 30, seconds, sample: { count: 480 } });
    // Some pieces cannot be left out: eight inputs, one gradient, three trials. They take 5 s; all inputs without a limit take 130.
    expect(processorSeconds() - start).toBeLessThan(15 * seconds);
    expect(met).toBe(fidelity.psnr >= 30);
    expect(fidelity.examples).toBeLessThan(12);
    // On a machine that is busy with other work, what takes 5 s of the processor takes many times as long.
  }, 240_000);
});
