import { decode } from '@espalier/codec';
import { describe, expect, it } from 'vitest';
import { compressWeights, readWeights, type Tried } from '../src/index.js';

/** Two matrices a thousand times apart in size, a bias, integers: weights of nobody knows what. */
function weights(): { weightSpecs: object[]; weightData: ArrayBuffer } {
  let state = 1;
  const normal = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    return sum;
  };
  const large = Float32Array.from({ length: 100 * 60 }, () => 100 * normal());
  const small = Float32Array.from({ length: 60 * 100 }, () => 0.1 * normal());
  const bias = Float32Array.from({ length: 60 }, normal);
  const count = Int32Array.of(7, -(2 ** 31));
  const specs = [
    { name: 'large', shape: [100, 60], dtype: 'float32' },
    { name: 'small', shape: [3, 20, 100], dtype: 'float32' },
    { name: 'bias', shape: [60], dtype: 'float32' },
    { name: 'zero', shape: [4, 4], dtype: 'float32' },
    { name: 'count', shape: [2], dtype: 'int32' },
  ];
  const parts = [large, small, bias, new Float32Array(16), count].map((a) => Buffer.from(a.buffer));
  const data = Buffer.concat(parts);
  return {
    weightSpecs: specs,
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length),
  };
}

describe('compressWeights', () => {
  it('reaches the ratio asked for with as few bits as theory gives, and keeps vectors and integers', async () => {
    const artifacts = weights() as Parameters<typeof compressWeights>[0];
    const { file, snr, tensors, met } = await compressWeights(artifacts, { quality: 30 });
    expect(met).toBe(true);
    expect(snr).toBeGreaterThanOrEqual(30);
    expect(snr).toBeLessThan(30.3);
    // A normal takes h - log2(step) = 2.047 + log2(1 / 0.1095) = 5.24 bits at 30 dB; headers and vectors are 350 bytes.
    expect((8 * (file.length - 350)) / 12000).toBeGreaterThan(5.1);
    expect((8 * (file.length - 350)) / 12000).toBeLessThan(5.45);
    expect(tensors.map(({ method }) => method)).toEqual(['plain', 'plain', 'kept', 'kept', 'kept']);
    const [before, after] = [artifacts, decode(file)].map((a) => readWeights(a));
    expect(after.map(({ name, shape, dtype }) => [name, shape, dtype])).toEqual(
      before.map(({ name, shape, dtype }) => [name, shape, dtype]),
    );
    for (const i of [2, 3, 4]) expect(after[i].values).toEqual(before[i].values);
    // The small matrix is as good as the large one, in its own measure.
    const ratios = [0, 1].map((i) => {
      const [a, b] = [before[i].values as Float32Array, after[i].values as Float32Array];
      const noise = a.reduce((sum, v, j) => sum + (v - b[j]) ** 2, 0);
      return 10 * Math.log10(a.reduce((sum, v) => sum + v * v, 0) / noise);
    });
    expect(Math.abs(ratios[0] - ratios[1])).toBeLessThan(0.5);
  });

  it('predicts what is smooth along an axis', async () => {
    const [times, count] = [200, 32];
    const compressed = (place: (t: number) => number): ReturnType<typeof compressWeights> => {
      const values = new Float32Array(times * count);
      for (let i = 0; i < values.length; i++) {
        const [t, k] = [Math.floor(i / count), i % count];
        // Encodings of positions: Vaswani et al. (2017), "Attention is all you need", 3.5.
        values[place(t) * count + k] = Math.sin(t / 100 ** ((k & ~1) / count) + (k & 1) * (Math.PI / 2));
      }
      const weightSpecs = [{ name: 'positions', shape: [times, count], dtype: 'float32' as const }];
      return compressWeights({ weightSpecs, weightData: values.buffer }, { quality: 40 });
    };
    const smooth = await compressed((t) => t);
    expect(smooth.met).toBe(true);
    expect(smooth.snr).toBeGreaterThanOrEqual(40);
    expect(smooth.tensors[0].method).toBe('predicted');
    const keys = Array.from({ length: times }, (_, t) => (Math.imul(t + 1, 0x9e3779b1) ^ (t << 7)) >>> 0);
    const order = [...keys.keys()].sort((a, b) => (keys[a] % 9973) - (keys[b] % 9973));
    const shuffled = await compressed((t) => order[t]);
    expect(smooth.file.length).toBeLessThan(0.5 * shuffled.file.length);
  });

  it('reaches sizes, and says when it cannot', async () => {
    const artifacts = weights() as Parameters<typeof compressWeights>[0];
    const { file, met } = await compressWeights(artifacts, { size: 6000, effort: 1 });
    expect(met).toBe(true);
    expect(file.length).toBeLessThanOrEqual(6000);
    expect(file.length).toBeGreaterThan(5800);
    const bits = await compressWeights(artifacts, { bits: 6, effort: 1 });
    expect((8 * bits.file.length) / 12078).toBeLessThanOrEqual(6);
    expect((await compressWeights(artifacts, { size: 20, effort: 1 })).met).toBe(false);
  });

  it('refuses what it cannot do', async () => {
    const artifacts = weights() as Parameters<typeof compressWeights>[0];
    await expect(compressWeights(artifacts, { size: 9, bits: 3 })).rejects.toThrow('both given');
    const bad = { ...artifacts, weightData: (artifacts.weightData as ArrayBuffer).slice(0) };
    new Float32Array(bad.weightData)[5] = Number.NaN;
    await expect(compressWeights(bad)).rejects.toThrow('large has values that are not finite');
  });

  it('halves and integers of the converter stay as small as they were where nothing is gained', async () => {
    const half = new Uint16Array(200).fill(0x3c00);
    half[7] = 0xc000;
    const artifacts = {
      weightSpecs: [
        {
          name: 'h',
          shape: [10, 20],
          dtype: 'float32' as const,
          quantization: { dtype: 'float16' as const },
        },
      ],
      weightData: half.buffer,
    };
    const { snr, artifacts: after } = await compressWeights(artifacts, { quality: 60 });
    expect(snr).toBeGreaterThan(60);
    expect([...(readWeights(after)[0].values as Float32Array)].filter((v) => v < 0)).toHaveLength(1);
  });

  it('tells of each trial what it reaches and about what it takes, whatever is asked for, and makes the same file', async () => {
    const artifacts = weights() as Parameters<typeof compressWeights>[0];
    for (const aim of [{ quality: 30 }, { size: 9000 }]) {
      const told: Tried[] = [];
      const { file, snr, trials } = await compressWeights(artifacts, {
        ...aim,
        onTrial: (t) => told.push(t),
      });
      expect(file).toEqual((await compressWeights(artifacts, aim)).file);
      expect(told.length).toBe(trials.length);
      const best = told.reduce((a, b) => (Math.abs(b.quality - snr) < Math.abs(a.quality - snr) ? b : a));
      expect(best.quality).toBeCloseTo(snr, 1);
      expect(best.bytes / file.length).toBeGreaterThan(0.8);
      expect(best.bytes / file.length).toBeLessThan(1.2);
    }
  });
});
