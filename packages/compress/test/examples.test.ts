import '@tensorflow/tfjs-backend-cpu';
import { randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { compress } from '../src/compress.js';
import { paintFace } from '../src/examples/faces.js';
import { generateExamples } from '../src/examples/generate.js';
import { cutPicture } from '../src/examples/pictures.js';
import { sampleExamples } from '../src/examples/sample.js';
import { madeUpSound } from '../src/examples/sounds.js';
import { inputsWithTables } from '../src/examples/table-inputs.js';
import { load } from '../src/model/load.js';
import { artifactsOf, fill } from './models.js';

const ramp = {
  width: 40,
  height: 20,
  data: Float32Array.from({ length: 40 * 20 * 3 }, (_, i) => Math.floor(i / 3) % 40),
};

describe('made-up inputs', () => {
  test('cuts keep a picture as it is, but for light, mirror and size', () => {
    for (const size of [8, 16, 64]) {
      const part = cutPicture(ramp, [size, size, 3], () => 0.4);
      // Not mirrored would need a larger number; no light; from left to right it falls, evenly.
      const row = Array.from({ length: size }, (_, x) => part[3 * x]);
      const slope = (row[size - 2] - row[1]) / (size - 3);
      for (let x = 2; x < size - 1; x++) expect(row[x] - row[x - 1]).toBeCloseTo(slope, 1.5);
      expect(Math.sign(slope)).toBe(-1);
      expect(Math.max(...row)).toBeLessThanOrEqual(39 / 255);
    }
    expect(cutPicture(ramp, [5, 9, 1], randomUniform(1)).length).toBe(45);
  });

  test('the last quarter comes from photographs that the others do not', async () => {
    const grey = (v: number) => ({ width: 30, height: 30, data: new Uint8Array(2700).fill(v) });
    const inputs = [{ name: 'x', shape: [-1, 8, 8, 3], dtype: 'float32' as const }];
    const pictures = [grey(0), grey(0), grey(255)];
    const [made] = generateExamples(inputs, { count: 16, pictures });
    const means = tf.tidy(() => [...tf.mean(made, [1, 2, 3]).dataSync()]);
    made.dispose();
    const cuts = means.filter((_, i) => i % 4 !== 3);
    expect(Math.max(...cuts.slice(0, 9))).toBe(0);
    expect(Math.min(...cuts.slice(9))).toBeGreaterThan(0.3);
    const [sample] = await sampleExamples(inputs, { count: 4, range: [-1, 1] });
    expect(tf.tidy(() => tf.min(sample).dataSync()[0])).toBeLessThan(-0.3);
    sample.dispose();
  });

  test('faces are painted over pictures, within black and white', () => {
    const picture = new Float32Array(48 * 48 * 3).fill(0.5);
    paintFace(picture, [48, 48, 3], randomUniform(5));
    const changed = picture.filter((v) => v !== 0.5).length / picture.length;
    expect(changed).toBeGreaterThan(0.1);
    expect(picture.every((v) => v >= 0 && v <= 1)).toBe(true);
  });

  test('sounds fall with frequency, differ in loudness, and stay in [-1, 1]', () => {
    const sounds = [1, 2, 3, 4, 5, 6].map((seed) => madeUpSound(8192, randomUniform(seed)));
    const energy = sounds.map((own) => own.reduce((sum, v) => sum + v * v, 0));
    expect(Math.max(...energy)).toBeGreaterThan(10 * Math.min(...energy));
    for (const [i, own] of sounds.entries()) {
      expect(own.every((v) => Math.abs(v) <= 1)).toBe(true);
      let steps = 0;
      for (let t = 1; t < own.length; t++) steps += (own[t] - own[t - 1]) ** 2;
      // White noise would have twice its energy in its steps.
      expect(steps).toBeLessThan(1.2 * energy[i]);
    }
  });

  test('indices are rows of the table that they look up', async () => {
    const { layers } = tfl;
    const model = fill(
      tfl.sequential({
        layers: [
          layers.embedding({ inputDim: 7, outputDim: 16, inputLength: 5 }),
          layers.flatten(),
          layers.dense({ units: 12 }),
        ],
      }),
      3,
    );
    const artifacts = await artifactsOf(model);
    const executable = await load(artifacts);
    const inputs = await inputsWithTables(executable);
    executable.dispose();
    expect(inputs.map(({ below }) => below)).toEqual([7]);
    const [made] = generateExamples(inputs, { count: 40 });
    const values = made.dataSync();
    made.dispose();
    expect(new Set(values)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    const { fidelity, measuredOn } = await compress(artifacts, { quality: 30, sample: { count: 16 } });
    expect(fidelity.psnr).toBeGreaterThanOrEqual(30);
    expect(measuredOn).toBe('made-up inputs');
  });
});
