import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { startBackend } from '../src/index.js';
import { hasNative } from './native.js';
import { hasWebgpu } from './software-gpu.js';

const means = [0, -0.3, 0.2, 0.4];
const precisions = [4000, 300, 700, 90];
const shares = [0.7, 0.1, 0.15, 0.05];
const offsets = shares.map((share, j) => Math.log(share) + Math.log(precisions[j] / (2 * Math.PI)) / 2);
const size = means.length;

/** Log-density, slope and responsibilities at a weight, as the formulas say. */
function exactly(w: number): { log: number; slope: number; taken: number[] } {
  const logs = means.map((mean, j) => offsets[j] - 0.5 * precisions[j] * (w - mean) ** 2);
  const greatest = Math.max(...logs);
  const log = greatest + Math.log(logs.reduce((sum, l) => sum + Math.exp(l - greatest), 0));
  const taken = logs.map((l) => Math.exp(l - log));
  return { log, slope: taken.reduce((sum, r, j) => sum + r * precisions[j] * (w - means[j]), 0), taken };
}

describe.each([
  { prefer: 'native', has: hasNative, tolerance: 1e-3 }, // the table's
  { prefer: 'webgpu', has: hasWebgpu, tolerance: 1e-4 },
] as const)('the kernel of the mixture prior on $prefer', ({ prefer, has, tolerance }) => {
  beforeAll(async () => {
    if (has) await startBackend({ prefer });
  }, 120_000);

  const run = async (weights: readonly tf.Tensor[], held: number, scale: number): Promise<Float32Array[]> => {
    const named = Object.fromEntries(weights.map((w, i) => [`w${i}`, w]));
    const before = tf.memory().numTensors;
    const outputs = tf.tidy(() => {
      const components = {
        means: tf.tensor1d(means),
        offsets: tf.tensor1d(offsets),
        precisions: tf.tensor1d(precisions),
      };
      const inputs = { ...components, held: tf.scalar(held), scale: tf.scalar(scale), ...named };
      return tf.engine().runKernel('EspalierMixture', inputs) as unknown as tf.Tensor[];
    });
    expect(tf.memory().numTensors).toBe(before + weights.length + 1);
    expect(outputs.slice(1).map((x) => x.shape)).toEqual(weights.map((w) => w.shape));
    const values = (await Promise.all(outputs.map((x) => x.data()))) as Float32Array[];
    tf.dispose(outputs);
    return values;
  };

  it.runIf(has)('has the slopes and the sums of the formulas, of tensors of any size', async () => {
    const [held, scale] = [700, 3];
    const drawn = [
      tf.randomNormal([50, 80], 0, 0.2, 'float32', 1),
      tf.randomNormal([2501], 0.1, 0.3, 'float32', 2),
      tf.zeros([held]),
      tf.scalar(0.37),
    ];
    const found = await run(drawn, held, scale);
    expect(await run(drawn, held, scale)).toEqual(found);
    const [sums, ...slopes] = found;
    const given = await Promise.all(drawn.map((x) => x.data()));
    const alive = [0, 1, 3].flatMap((i) => [...given[i]]);
    const got = [0, 1, 3].flatMap((i) => [...slopes[i]]);
    let [difference, norm] = [0, 0];
    const expected = new Array<number>(2 + 3 * size).fill(0);
    for (const [i, w] of alive.entries()) {
      const { log, slope, taken } = exactly(w);
      difference += (got[i] - scale * slope) ** 2;
      norm += (scale * slope) ** 2;
      expected[0] -= log;
      expected[1] += taken[0] === Math.max(...taken) ? 1 : 0;
      for (const [j, r] of taken.entries()) {
        expected[2 + j] += r;
        expected[2 + size + j] += r * (w - means[j]);
        expected[2 + 2 * size + j] += r * (w - means[j]) ** 2;
      }
    }
    expect(Math.sqrt(difference / norm)).toBeLessThan(tolerance);
    for (const [i, value] of expected.entries()) {
      // A cell goes to one component as a whole.
      expect(Math.abs(sums[i] - value)).toBeLessThan(tolerance * Math.abs(value) + (i === 1 ? 10 : 1e-2));
    }
    tf.dispose(drawn);
  });

  it.runIf(has && prefer === 'native')('comes to the same bits on any number of threads', async () => {
    const drawn = [
      tf.randomNormal([300_001], 0, 0.3, 'float32', 1),
      tf.zeros([70_000]),
      tf.randomNormal([7], 0, 0.1, 'float32', 2),
    ];
    const runs: Float32Array[][] = [];
    for (const threads of ['1', '2', '5']) {
      vi.stubEnv('TF_NUM_INTRAOP_THREADS', threads);
      runs.push(await run(drawn, 1000, 3));
    }
    vi.unstubAllEnvs();
    for (const other of runs) expect(other).toEqual(runs[0]);
    // Sums of responsibilities are the weights that are not held.
    const taken = runs[0][0].slice(2, 2 + size).reduce((a, b) => a + b, 0);
    expect(Math.abs(taken - 369_008)).toBeLessThan(1);
    tf.dispose(drawn);
  });

  it.runIf(has)('ends on numbers that are not finite, and says so', async () => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const weights = tf.tensor1d([0.1, wrong, -0.2]);
      expect(Number.isFinite((await run([weights], 0, 1))[0][0])).toBe(false);
      weights.dispose();
    }
  });
});
