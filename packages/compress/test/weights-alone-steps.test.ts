import { decode } from '@espalier/codec';
import { describe, expect, test } from 'vitest';
import { compressWeights, readWeights } from '../src/index.js';
import { wave } from './graphs.js';

type Given = Readonly<Record<string, readonly [readonly number[], Float32Array | Int32Array]>>;

function artifactsOf(all: Given) {
  const weightSpecs = Object.entries(all).map(([name, [shape, values]]) => ({
    name,
    shape: [...shape],
    dtype: values instanceof Int32Array ? ('int32' as const) : ('float32' as const),
  }));
  const bytes = Object.values(all).flatMap(([, values]) => [...new Uint8Array(values.slice().buffer)]);
  return { weightSpecs, weightData: Uint8Array.from(bytes).buffer };
}
const rms = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

describe('weights by themselves', () => {
  const [a, b] = [wave(600, 1), wave(1200, 2, 40)];
  const all = {
    a: [[20, 30], a],
    b: [[30, 40], b],
    vector: [[40], wave(40, 3)],
    whole: [[4, 4], Int32Array.from({ length: 16 }, (_, i) => i)],
    few: [[1, 7], wave(7, 4)],
    zeros: [[4, 4], new Float32Array(16)],
    infinite: [[4, 4], new Float32Array(16).fill(Number.POSITIVE_INFINITY)],
    eight: [[2, 4], wave(8, 6)],
  } as const satisfies Given;

  test('have one step for each root mean square; vectors, few, whole and infinite ones are kept', async () => {
    const lines: string[] = [];
    const { tensors, trials, snr, artifacts, met, file, lossless } = await compressWeights(artifactsOf(all), {
      quality: 30,
      effort: 0,
      log: (line) => lines.push(line),
    });
    expect([met, lossless]).toEqual([true, false]);
    expect(tensors.map(({ method }) => method)).toEqual([
      'plain',
      'plain',
      'kept',
      'kept',
      'kept',
      'kept',
      'kept',
      'plain',
    ]);
    const steps = tensors.map(({ step }) => step);
    const fineness = (steps[0] as number) / rms(a);
    expect(trials.map((trial) => trial.fineness)).toContainEqual(expect.closeTo(fineness, 6));
    expect((steps[1] as number) / rms(b)).toBeCloseTo(fineness, 6);
    expect(steps[2]).toBeUndefined();
    expect(lines.length).toBe(trials.length);
    // Of many levels the error is uniform: step^2 / 12.
    expect(trials[0]?.fineness).toBeCloseTo(Math.sqrt(12 * 10 ** -3), 9);
    expect(lines[0]).toMatch(/^step 0\.1095 of the RMS: \d+\.\d\d dB$/);
    // The error of a and b and eight, in units of each one's mean square.
    const after = new Map(readWeights(artifacts).map(({ name, values }) => [name, values as Float32Array]));
    let [noise, count] = [0, 0];
    for (const name of ['a', 'b', 'eight'] as const) {
      const [, before] = all[name];
      const own = after.get(name) as Float32Array;
      noise += before.reduce((sum, v, i) => sum + (v - (own[i] as number)) ** 2, 0) / rms(before) ** 2;
      count += before.length;
      const step = tensors.find((tensor) => tensor.name === name)?.step as number;
      for (const v of own) expect(v / step - Math.round(v / step)).toBeCloseTo(0, 3);
    }
    expect(snr).toBeCloseTo(-10 * Math.log10(noise / count), 4);
    expect(snr).toBeGreaterThanOrEqual(30);
    expect(snr).toBeLessThan(30.3);
    for (const name of ['vector', 'whole', 'few', 'zeros', 'infinite'] as const)
      expect(after.get(name)).toEqual(all[name][1]);
    expect(readWeights(decode(file)).map(({ values }) => values)).toEqual([...after.values()]);
  });

  test('at a ratio of 45 dB where nothing is said; finer than 2^14 levels never', async () => {
    const { snr } = await compressWeights(artifactsOf({ a: all.a }), { effort: 0 });
    expect(snr).toBeGreaterThanOrEqual(45);
    expect(snr).toBeLessThan(45.3);
    const { trials } = await compressWeights(artifactsOf({ a: all.a }), { quality: 139, effort: 0 });
    const most = a.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    // What the least step leaves, whatever is asked for.
    const least = 10 * Math.log10((12 * rms(a) ** 2) / (most / 2 ** 14) ** 2);
    expect(Math.max(...trials.map(({ figure }) => figure))).toBeGreaterThan(least - 1);
    expect(Math.max(...trials.map(({ figure }) => figure))).toBeLessThan(least + 1);
  });

  test('keep to bits: of all weights, those that are kept too', async () => {
    const given = artifactsOf({ a: all.a, b: all.b });
    const { file, met, trials } = await compressWeights(given, { bits: 3, effort: 0 });
    expect(met).toBe(true);
    expect(file.length).toBeLessThanOrEqual((3 * 1800) / 8);
    expect(file.length).toBeGreaterThan((2.8 * 1800) / 8);
    expect(trials.some(({ figure }) => figure === file.length)).toBe(true);
  });

  test('that are nothing to quantise come back as they were', async () => {
    const { snr, lossless, met, tensors } = await compressWeights(artifactsOf({ vector: all.vector }), {
      quality: 20,
      effort: 0,
    });
    expect([snr, lossless, met, tensors[0]?.method]).toEqual([Number.POSITIVE_INFINITY, true, true, 'kept']);
  });

  test('keep to a size without loss where they can; unknown options are errors', async () => {
    const whole = await compressWeights(artifactsOf({ a: all.a }), { bits: 32, effort: 0 });
    expect([whole.lossless, whole.trials.length, whole.losslessBytes]).toEqual([true, 0, whole.file.length]);
    await expect(compressWeights(artifactsOf({ a: all.a }), { bit: 3 } as object)).rejects.toMatchObject({
      code: 'unknown-option',
    });
  });

  test('NaN is an error by name', async () => {
    const broken = new Float32Array(16);
    broken[3] = Number.NaN;
    await expect(compressWeights(artifactsOf({ w: [[4, 4], broken] }))).rejects.toMatchObject({
      code: 'not-finite',
      message: expect.stringContaining('w has values'),
    });
  });
});
