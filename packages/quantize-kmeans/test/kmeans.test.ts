import '@tensorflow/tfjs-backend-cpu';
import { once, type Parameter, type QuantizedTensor, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type KMeansOptions, kmeans } from '../src/index.js';

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
