import '@tensorflow/tfjs-backend-cpu';
import type { Grid } from '@espalier/codec';
import { diff, gridsOf, patch } from '@espalier/codec/update';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Compressed, compress, compressWeights, type ModelArtifacts } from '../src/index.js';
import { Older } from '../src/plan/older.js';
import { artifactsOf, fill, noise } from './models.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

describe('an older tensor', () => {
  const old = Float32Array.of(0, 0.5, -1, 1);
  const grid: Grid = { step: 0.5, exponents: [undefined] };
  const onSteps = Older.onSteps(old, 2, grid, new Float64Array(4).fill(0.5));
  const at = (older: Older, fineness: number, values: number[]): number[] | undefined => {
    const places = older.at(fineness);
    return places && values.map((value, i) => places.snap(value, i));
  };

  test('keeps what is within reach, and rounds the rest to the nearest of its steps', () => {
    // Its own fineness: half a step, which is the nearest.
    expect(at(onSteps, 2, [0.24, 0.76, -1.1, 2.1])).toEqual([0, 1, -1, 2]);
    // Three quarters of a step.
    expect(at(onSteps, 3, [0.37, 0.88, -1.3, 1.38])).toEqual([0, 1, -1, 1.5]);
    expect(at(onSteps, 3, [-0.37, 0.12, -1.38, 0.63])).toEqual([0, 0, -1.5, 1]);
    expect(onSteps.at(3)?.grid).toEqual(grid);
    expect(onSteps.kept(Float32Array.of(0, 1, -1, 1.5))).toBe(2);
  });

  test('has finer steps where half of its own is too much', () => {
    expect(at(onSteps, 1, [0.24, 0.76, -1.1, 2.1])).toEqual([0.25, 0.75, -1, 2]);
    expect(onSteps.at(1)?.grid).toEqual({ step: 0.25, exponents: [undefined] });
  });

  test('of few values keeps to these, by the gaps between them', () => {
    const few = Older.onValues(Float32Array.of(-1, 0, 4, 0), 1);
    expect(at(few, 1, [-0.4, 1.9, 1.9, 2.1])).toEqual([0, 0, 0, 4]);
    expect(at(few, 1.5, [-0.3, 2.9, 1.1, 3.1])).toEqual([-1, 0, 4, 4]);
    // Beyond the last ones as far as between those beside them.
    expect(at(few, 1.5, [-1.7, -0.7, 6.9, -0.8])).toEqual([-1, 0, 4, -1]);
    expect(few.at(0.9)).toBeUndefined();
  });
});

/** The same model after so much more of training. */
function tuned(artifacts: ModelArtifacts, by: number): ModelArtifacts {
  const weights = new Float32Array((artifacts.weightData as ArrayBuffer).slice(0));
  let state = 5;
  for (let i = 0; i < weights.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    weights[i] *= 1 + by * (state / 2 ** 31 - 1);
  }
  return { ...artifacts, weightData: weights.buffer };
}

describe('compress with an older file', () => {
  let artifacts: ModelArtifacts;
  let calibration: tf.Tensor[];
  let old: Compressed;
  let next: ModelArtifacts;
  beforeAll(async () => {
    await tf.ready();
    const { dense } = tfl.layers;
    artifacts = await artifactsOf(
      fill(
        tfl.sequential({
          layers: [
            dense({ units: 40, inputShape: [30], activation: 'relu', name: 'd1' }),
            dense({ units: 6, name: 'd2' }),
          ],
        }),
        11,
      ),
    );
    calibration = [noise([48, 30], 21)];
    old = await compress(artifacts, { quality: 40, calibration });
    next = tuned(artifacts, 0.04);
  });
  afterAll(() => tf.dispose(calibration));

  test('makes a file of the same quality, whose update is much smaller than that of one made by itself', async () => {
    expect(old.update).toBeUndefined();
    const options = { quality: 40, calibration };
    const {
      update = new Uint8Array(0),
      file,
      met,
      fidelity,
    } = await compress(next, { ...options, update: old.file });
    const alone = await compress(next, options);
    expect(met).toBe(true);
    expect(fidelity.psnr).toBeGreaterThanOrEqual(40);
    expect(patch(old.file, update)).toEqual(file);
    expect(update.length).toBeLessThan(0.6 * diff(old.file, alone.file).length);
    const [before, after] = [old.file, file].map((one) => gridsOf(one));
    expect(after['d1/kernel'].step).toBe(before['d1/kernel'].step);
    // Asked for less than what the older weights give: nearly all stay.
    const lax = await compress(next, { ...options, quality: 20, update: old.file });
    expect(lax.update?.length).toBeLessThan(0.7 * update.length);
    // Asked for more than its steps can give: finer ones.
    const strict = await compress(next, { ...options, quality: 55, update: old.file });
    expect(strict.fidelity.psnr).toBeGreaterThanOrEqual(55);
    expect(gridsOf(strict.file)['d1/kernel'].step).toBeLessThan(before['d1/kernel'].step);
  });

  test('keeps an update to a size', async () => {
    const told: number[] = [];
    const { update, met } = await compress(next, {
      size: 300,
      calibration,
      update: old.file,
      onTrial: ({ bytes }) => told.push(bytes),
    });
    expect(met).toBe(true);
    expect(update?.length).toBeLessThanOrEqual(300);
    expect(update?.length).toBeGreaterThan(200);
    expect(Math.min(...told)).toBeLessThanOrEqual(300);
  });

  test('of another model is as if there were none; weights alone take none', async () => {
    const weightSpecs = [{ name: 'w', shape: [40, 40], dtype: 'float32' as const }];
    const weightData = Float32Array.from({ length: 1600 }, (_, i) => Math.sin(i * i)).buffer;
    const { file: other } = await compressWeights({ weightSpecs, weightData }, { quality: 30 });
    const options = { quality: 40, calibration, seconds: Number.POSITIVE_INFINITY };
    const alone = await compress(artifacts, options);
    const beside = await compress(artifacts, { ...options, update: other });
    expect(beside.file).toEqual(alone.file);
    expect(patch(other, beside.update as Uint8Array)).toEqual(beside.file);
    await expect(
      compressWeights({ weightSpecs, weightData }, { update: other } as object),
    ).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(compress(artifacts, { update: other.buffer as never })).rejects.toMatchObject({
      code: 'invalid-option',
    });
    await expect(compress(artifacts, { update: new Uint8Array(40) })).rejects.toMatchObject({
      code: 'magic',
    });
  });
});
