import '@tensorflow/tfjs-backend-cpu';
import { hash, hashString, once, type Parameter, type QuantizedTensor, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type KMeansOptions, kmeans, lloydCodebook, optimalCodebook } from '../src/index.js';

let run: Run;

beforeEach(() => {
  const dense = (name: string, units: number, seed: number, inputShape?: number[]) =>
    tfl.layers.dense({
      name,
      units,
      kernelInitializer: tfl.initializers.randomNormal({ seed }),
      ...(inputShape && { inputShape }),
    });
  run = new Run(tfl.sequential({ layers: [dense('fc1', 30, 1, [20]), dense('fc2', 10, 2)] }), { seed: 5 });
});

async function quantize(options: KMeansOptions, of = run.select()): Promise<Map<Parameter, QuantizedTensor>> {
  const { quantize } = await kmeans(options).start(run, of);
  return quantize(once());
}

async function share(options: KMeansOptions): Promise<Map<Parameter, QuantizedTensor>> {
  const tensors = await quantize(options);
  for (const [parameter, tensor] of tensors) run.share(parameter, tensor);
  return tensors;
}

const valuesOf = (name: string): Float32Array => run.parameter(name).variable.dataSync() as Float32Array;

describe('kmeans', () => {
  it('quantises every tensor to its own codebook and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const tensors = await share({ clusters: { 'fc1/*': 8, '**': 4 } });
    expect(tf.memory().numTensors).toBe(before);
    expect([...tensors].map(([p, t]) => [p.name, t.codebook.length, t.fixed])).toEqual([
      ['fc1/kernel', 8, undefined],
      ['fc2/kernel', 4, undefined],
    ]);
    expect(new Set(valuesOf('fc1/kernel')).size).toBe(8);
  });

  it('keeps the zeros of a pruned tensor, and counts the zero as one of the clusters', async () => {
    const kernel = run.parameter('fc1/kernel');
    const mask = tf.tidy(() => tf.cast(tf.greater(tf.abs(kernel.variable), 0.06), 'float32'));
    run.setMask(kernel, mask);
    const before = valuesOf('fc1/kernel').slice();
    const tensors = await share({ clusters: 16 });
    const tensor = tensors.get(kernel) as QuantizedTensor;
    expect(tensor.codebook.length).toBe(16);
    const zero = tensor.codebook.indexOf(0);
    expect(tensor.fixed).toEqual([zero]);
    expect([...before].every((x, i) => x !== 0 || tensor.indices[i] === zero)).toBe(true);
    expect(tensors.get(run.parameter('fc2/kernel'))?.fixed).toBeUndefined();
  });

  it('leaves tensors alone that have few enough values already', async () => {
    await share({ clusters: 8 });
    const before = valuesOf('fc1/kernel').slice();
    expect((await share({ clusters: 8 })).size).toBe(0);
    expect(valuesOf('fc1/kernel')).toEqual(before);
    expect((await share({ clusters: { 'fc1/*': 6, '**': 8 } })).size).toBe(1);
    expect(new Set(valuesOf('fc1/kernel')).size).toBe(6);
  });

  it('has one codebook for a group', async () => {
    const [a, b] = [...(await quantize({ clusters: 16, scope: 'global' })).values()];
    expect(a.codebook.length).toBe(16);
    for (const value of b.codebook) expect(a.codebook).toContain(value);
    await expect(quantize({ clusters: { 'fc1/*': 3, '**': 4 }, scope: 'global' })).rejects.toThrow(/differ/);
  });

  it("starts Lloyd where it is told, 'random' by the run's seed", async () => {
    const book = async (options: Omit<KMeansOptions, 'clusters'>) => {
      const tensors = await quantize({ clusters: 5, ...options });
      return tensors.get(run.parameter('fc1/kernel'))?.codebook.join();
    };
    expect(await book({ init: 'random' })).toBe(await book({ init: 'random', seed: 5 }));
    expect(await book({ init: 'random' })).not.toBe(await book({ init: 'random', seed: 6 }));
    expect(await book({ init: 'linear' })).not.toBe(await book({ init: 'density' }));
  });

  describe('has the codebook', () => {
    const kernels = (): [Parameter, Parameter] => [run.parameter('fc1/kernel'), run.parameter('fc2/kernel')];
    const weightOf = (_: unknown, i: number): number => 1 + ((7 * i) % 5);
    const importance = ({ size }: Parameter): Float32Array => Float32Array.from({ length: size }, weightOf);

    it('of least error by importance', async () => {
      const [a, b] = kernels();
      const tensors = await quantize({ clusters: { 'fc1/*': 5, '**': 3 }, importance });
      for (const [p, k] of [
        [a, 5],
        [b, 3],
      ] as const) {
        const { centroids, indices } = optimalCodebook(valuesOf(p.name), k, { weights: importance(p) });
        expect(tensors.get(p)).toEqual({ codebook: centroids, indices });
      }
    });

    it('of least error for all tensors together, each with the entries that it uses', async () => {
      const [a, b] = kernels();
      tf.tidy(() => b.variable.assign(tf.mul(b.variable, 3)));
      const all = Float32Array.of(...valuesOf(a.name), ...valuesOf(b.name));
      const weights = Float32Array.of(...importance(a), ...importance(b));
      const { centroids, indices } = optimalCodebook(all, 9, { weights });
      const tensors = await quantize({ clusters: 9, scope: 'global', importance });
      const nearest = (p: Parameter): number[] =>
        [...tensors.get(p)!.indices].map((i) => tensors.get(p)!.codebook[i]);
      expect([...nearest(a), ...nearest(b)]).toEqual([...indices].map((i) => centroids[i]));
      expect(tensors.get(a)!.codebook.length).toBeLessThan(9);
    });

    it('with a 0 that stays, where it is asked for or one of the tensors has zeros', async () => {
      const [a, b] = kernels();
      const fixed = async (options: Omit<KMeansOptions, 'clusters'>) =>
        [...(await quantize({ clusters: 4, ...options })).values()].map((t) =>
          t.fixed?.map((i) => t.codebook[i]),
        );
      expect(await fixed({})).toEqual([undefined, undefined]);
      expect(await fixed({ keepZero: true })).toEqual([[0], [0]]);
      const mask = tf.tidy(() => tf.cast(tf.greater(b.variable, 0), 'float32'));
      run.setMask(b, mask);
      expect(await fixed({})).toEqual([undefined, [0]]);
      expect(await fixed({ keepZero: false })).toEqual([undefined, undefined]);
      expect(await fixed({ scope: 'global' })).toEqual([[0], [0]]);
      const { centroids } = optimalCodebook(valuesOf(a.name), 4, { keepZero: true });
      expect((await quantize({ clusters: 4, keepZero: true })).get(a)!.codebook).toEqual(centroids);
    });

    it("of Lloyd's iteration from a start by the seed and the tensor's name", async () => {
      for (const seed of [undefined, 11]) {
        const tensors = await quantize({ clusters: 6, init: 'random', importance, ...(seed && { seed }) });
        for (const [p, { codebook }] of tensors) {
          const own = hash(seed ?? 5, hashString(p.name));
          const lloyd = { init: 'random', seed: own, weights: importance(p) } as const;
          expect(codebook).toEqual(lloydCodebook(valuesOf(p.name), 6, lloyd).centroids);
        }
      }
    });

    it('of one entry to 4096', async () => {
      const [a] = kernels();
      const mean = valuesOf(a.name).reduce((x, y) => x + y) / 600;
      const [only] = (await quantize({ clusters: 1 })).get(a)!.codebook;
      expect(only).toBeCloseTo(mean, 6);
      expect((await quantize({ clusters: 4096 })).get(a)!.codebook).toHaveLength(600);
      expect(() => kmeans({ clusters: 4097 })).toThrow(/clusters is 4097/);
      expect(() => kmeans({ clusters: 2.5 })).toThrow(/clusters is 2.5/);
    });
  });

  it('wants one number of clusters for all tensors together', async () => {
    const plugin = kmeans({ clusters: { 'fc1/*': 3, '**': 4 }, scope: 'global' });
    expect(() => plugin.check!(run, run.select())).toThrow(/differ/);
    expect(() => plugin.check!(run, [run.parameter('fc1/kernel')])).not.toThrow();
    expect(() => kmeans({ clusters: { 'fc1/*': 3, '**': 4 } }).check!(run, run.select())).not.toThrow();
  });

  it('refuses what it cannot honour', async () => {
    expect(() => kmeans({ cluster: 3 } as never)).toThrow(/Did you mean 'clusters'/);
    expect(() => kmeans({} as never)).toThrow(/clusters is undefined/);
    expect(() => kmeans({ clusters: 0 })).toThrow(/clusters is 0/);
    expect(() => kmeans({ clusters: 4, init: 'liner' as never })).toThrow(/Did you mean 'linear'/);
    expect(() => kmeans({ clusters: 4, scope: 'all' as never })).toThrow(/tensor, global/);
    await expect(quantize({ clusters: { 'fc3/*': 4 } })).rejects.toThrow(/fc3/);
    await expect(quantize({ clusters: { 'fc1/*': 4 } })).rejects.toThrow(/no value for fc2\/kernel/);
    await expect(quantize({ clusters: (p) => p.size })).resolves.toBeDefined();
    await expect(quantize({ clusters: () => 1.5 })).rejects.toThrow(/clusters of fc1\/kernel is 1.5/);
  });
});
