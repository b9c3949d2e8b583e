import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend, statelessNormal, statelessUniform } from '../src/index.js';
import { hasWebgpu } from './software-gpu.js';

/** Philox 4x32-10 as its authors write it, in big whole numbers. */
function philox(counter: bigint, key: readonly [number, number]): number[] {
  const word = (x: bigint): bigint => BigInt.asUintN(32, x);
  let c = [counter, 0n, 0n, 0n];
  let [k0, k1] = key.map((x) => word(BigInt(x)));
  for (let round = 0; round < 10; round++) {
    const [a, b] = [0xd2511f53n * c[0], 0xcd9e8d57n * c[2]];
    c = [(b >> 32n) ^ c[1] ^ k0, word(b), (a >> 32n) ^ c[3] ^ k1, word(a)];
    [k0, k1] = [word(k0 + 0x9e3779b9n), word(k1 + 0xbb67ae85n)];
  }
  return c.map(Number);
}

describe.skipIf(!hasWebgpu)('random numbers on webgpu', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'webgpu' });
  }, 120_000);

  async function read(draw: () => tf.Tensor): Promise<Float32Array> {
    const drawn = draw();
    const values = (await drawn.data()) as Float32Array;
    drawn.dispose();
    return values;
  }

  it('are Philox: its authors’ golden words, and any seed', async () => {
    expect(philox(0n, [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    for (const seed of [
      [0, 0],
      [7, -3],
      [-2147483648, 2147483647],
    ] as [number, number][]) {
      const words = [0n, 1n, 2n, 3n].flatMap((at) => philox(at, seed));
      const expected = words.slice(0, 15).map((x) => (x >>> 8) / 2 ** 24);
      expect([...(await read(() => statelessUniform([3, 5], seed)))]).toEqual(expected);
      const pairs = [words.slice(0, 4), words.slice(4, 8)];
      const normal = pairs.flatMap(([a, b, c, d]) => {
        const [r, s] = [a, b].map((x) => Math.sqrt(-2 * Math.log((x + 0.5) / 2 ** 32)));
        const [t, u] = [c, d].map((x) => (x * 2 * Math.PI) / 2 ** 32);
        return [r * Math.cos(t), s * Math.cos(u), r * Math.sin(t), s * Math.sin(u)];
      });
      for (const [i, x] of (await read(() => statelessNormal([8], seed))).entries()) {
        expect(Math.abs(x - normal[i])).toBeLessThan(2e-3); // WGSL grants a cosine an error of 2^-11.
      }
    }
  });

  it('depend on the seed alone, and leave nothing', async () => {
    const draw = (...seed: [number, number]): Promise<Float32Array> =>
      read(() => statelessNormal([1001], seed));
    const before = tf.memory();
    const first = await draw(1, 2);
    expect(await draw(1, 2)).toEqual(first);
    for (const other of [await draw(1, 3), await draw(2, 2), await draw(2, 1)])
      expect(other).not.toEqual(first);
    expect(tf.memory()).toMatchObject({
      numTensors: before.numTensors,
      numDataBuffers: before.numDataBuffers,
    });
    expect(await read(() => statelessNormal([0, 3], [1, 2]))).toHaveLength(0);
  });

  it('are standard normal: moments, distribution, no correlation', async () => {
    const n = 200_000;
    const drawn = await read(() => statelessNormal([n], [11, 5]));
    const moment = (p: number): number => drawn.reduce((sum, x) => sum + x ** p, 0) / n;
    // Standard errors: 1, √2, √15, √96 over √n.
    for (const [p, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ]) {
      expect(Math.abs(moment(p) - expected)).toBeLessThan(4 * Math.sqrt(variance / n));
    }
    for (const [z, share] of [
      [-3, 0.00135],
      [-1, 0.158655],
      [0, 0.5],
      [2, 0.97725],
    ]) {
      expect(Math.abs(drawn.filter((x) => x < z).length / n - share)).toBeLessThan(1.95 / Math.sqrt(n));
    }
    for (const lag of [1, 2, 3, 4, 256]) {
      const sum = drawn.reduce((s, x, i) => s + x * drawn[(i + lag) % n], 0) / n;
      expect(Math.abs(sum)).toBeLessThan(4 / Math.sqrt(n));
    }
  });
});
