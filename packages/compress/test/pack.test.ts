import '@tensorflow/tfjs-backend-cpu';
import { encode, type ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Rounded } from '../src/choose/quantize.js';
import type { Bench } from '../src/fidelity/bench.js';
import type { Executable } from '../src/model/model.js';
import type { Tensors } from '../src/model/tensors.js';
import type { Aim } from '../src/search/aim.js';
import type { Work } from '../src/time-budget.js';
import { packedAsItIs } from '../src/verify/lossless.js';
import { type Judge, packed } from '../src/verify/pack.js';
import { artifactsOf, fill } from './models.js';

let artifacts: ModelArtifacts;
beforeAll(async () => {
  await tf.ready();
  const model = fill(tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] }), 1);
  artifacts = await artifactsOf(model);
  model.dispose();
});

/** A file of that model that grows with the number: its licence is as many letters that cannot be told beforehand. */
const fileOf = (letters: number): Uint8Array => {
  let state = 7;
  const license = Array.from({ length: letters }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return String.fromCharCode(33 + ((state >>> 16) % 90));
  }).join('');
  return encode(artifacts, { license, effort: 0, verify: false });
};

interface Asked {
  readonly fineness: number;
  readonly effort: number;
  readonly milliseconds: number | undefined;
}

/** Packs at fineness 1 first; `sizes`: letters of each file in turn; `octaves`: what the aim makes of their lengths. */
async function pack(sizes: readonly number[], aim: Partial<Aim>, bytes: boolean, given = artifacts) {
  const asked: Asked[] = [];
  const files: Uint8Array[] = [];
  const tensors = {
    encode: (rounded: ReadonlyMap<string, Rounded>, effort: number, milliseconds?: number) => {
      asked.push({ fineness: rounded.get('w')?.error as number, effort, milliseconds });
      files.push(fileOf(sizes[files.length] as number));
      return files.at(-1);
    },
    artifactsWith: () => given,
  };
  const at = (fineness: number): ReadonlyMap<string, Rounded> =>
    new Map([['w', { values: new Float32Array(0), method: 'plain', error: fineness }]]);
  const judge: Judge = {
    tensors: tensors as unknown as Tensors,
    bench: {
      fidelity: async (model: Executable) => ({ psnr: 33, inputs: model.inputs.length }),
    } as unknown as Bench,
    aim: { meets: () => false, near: () => false, octaves: () => 0.5, better: () => false, ...aim },
    bytes,
    inputs: {},
    effort: 4,
    work: { milliseconds: (part: number) => 1000 * part } as Work,
  };
  const before = tf.memory().numTensors;
  const found = await packed({ trials: [], fineness: 1, roundedAt: at }, judge);
  expect(tf.memory().numTensors).toBe(before);
  return { found, asked, files, taken: files.indexOf(found.file), error: found.rounded.get('w')?.error };
}

describe('what was found is packed', () => {
  test('once for a quality, with all effort, and measured as it is unpacked', async () => {
    const { found, asked } = await pack([10, 5], { meets: (psnr) => psnr >= 33 }, false);
    expect(asked).toEqual([{ fineness: 1, effort: 4, milliseconds: 600 }]);
    expect(found).toMatchObject({ met: true, lossless: false, fidelity: { psnr: 33, inputs: 1 } });
    expect(found.artifacts.weightSpecs).toEqual(artifacts.weightSpecs);
    expect((await pack([10], { meets: (psnr) => psnr > 33 }, false)).found.met).toBe(false);
  });

  test('and is what was meant to be packed', async () => {
    const other = { ...artifacts, weightData: new ArrayBuffer(32) };
    await expect(pack([10], {}, false, other)).rejects.toThrow(/"dense_.*" would not come back as it is/);
  });

  test('for a size as often as the file is too large, by as much as the aim says', async () => {
    const small = fileOf(50).length;
    const said = [0.5, 0.0001, 7, -3];
    const { found, asked, taken, error } = await pack(
      [400, 300, 200, 100, 50],
      { meets: (size) => size <= small, octaves: () => said.shift() as number },
      true,
    );
    // By an octave at most, and by a little at least.
    const expected = [1, 2 ** 0.5, 2 ** 0.502, 2 ** 1.502, 2 ** 1.504];
    expect(asked.map(({ fineness }) => fineness)).toEqual(expected.map((f) => expect.closeTo(f, 9)));
    expect(asked.map(({ milliseconds }) => milliseconds)).toEqual([600, 400, 400, 400, 400]);
    expect(asked.every(({ effort }) => effort === 4)).toBe(true);
    expect([taken, found.met]).toEqual([4, true]);
    expect(error).toBeCloseTo(2 ** 1.504, 9);
  });

  test('for a size six times more at most', async () => {
    const { found, asked, taken } = await pack([900, 800, 700, 600, 500, 400, 300, 200], {}, true);
    expect([asked.length, taken, found.met]).toEqual([7, 6, false]);
  });

  test.each([300, 320])(
    'what is coarser and no smaller (%d letters after 300) is not taken',
    async (after) => {
      const { asked, taken, error } = await pack([400, 300, after, 10], {}, true);
      expect([asked.length, taken]).toEqual([3, 1]);
      expect(error).toBeCloseTo(2 ** 0.5, 9);
    },
  );
});

describe('a model as it is', () => {
  // Levels that contexts tell much of, at efforts from 2 on.
  const values = Float32Array.from({ length: 1200 }, (_, i) =>
    (i * i) % 7 < 3 ? (i % 60 < 30 ? 1 : -2) : 0,
  );
  const plain: ModelArtifacts = {
    weightSpecs: [{ name: 'w', shape: [20, 60], dtype: 'float32' }],
    weightData: values.buffer,
  };
  const sizes = new Map([0, 1, 6].map((effort) => [effort, encode(plain, { effort }).length]));
  const [zero, quick, searched] = [...sizes.values()] as [number, number, number];

  test('is packed with all effort where that may be smaller than its rival', () => {
    expect(searched).toBeLessThan(quick);
    expect(zero).not.toBe(quick);
    for (const rival of [quick, quick / 1.25, 1e9])
      expect(packedAsItIs(plain, 6, rival).length).toBe(searched);
    for (const rival of [quick / 1.251, quick / 2, 1])
      expect(packedAsItIs(plain, 6, rival).length).toBe(quick);
  });

  test('quickly where no more is asked for', () => {
    expect(packedAsItIs(plain, 1, 1e9).length).toBe(quick);
    expect(packedAsItIs(plain, 0, 1e9).length).toBe(zero);
  });

  test('in half of the time that is left; what is worse for want of it is not taken', () => {
    const parts: number[] = [];
    const within = (milliseconds: number): Work =>
      ({
        milliseconds: (part: number) => {
          parts.push(part);
          return milliseconds;
        },
      }) as unknown as Work;
    expect(packedAsItIs(plain, 6, 1e9, within(Number.POSITIVE_INFINITY)).length).toBe(searched);
    expect(encode(plain, { effort: 6, budgetMs: 0 }).length).toBeGreaterThan(quick);
    expect(packedAsItIs(plain, 6, 1e9, within(0)).length).toBe(quick);
    expect(parts).toEqual([0.5, 0.5]);
  });
});
