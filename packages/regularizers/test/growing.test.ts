import { once, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { growing } from '../src/index.js';
import { checkGradient, gradientOf, kernelOf, penaltyOf, read, set, zoo } from './gradients.js';

const at = (index: number, count: number) => ({ ...once(), index, count });

describe('growing', () => {
  it('chooses the least groups, presses them down, and prunes them at its last firing', () => {
    const run = zoo();
    const [p] = run.select('fc/kernel');
    set(p, [1, 0.1, 0.5, 0.3, 2, 1, 0.1, 0.5, 0.3, 2, 1, 0.1, -0.5, 0.3, 2]);
    const plugin = growing({ sparsity: 0.4, strength: 0.6, groups: 'columns' });
    plugin.start?.(run, [p]);
    expect(penaltyOf(plugin, [p])).toBe(0);
    expect(plugin.masks([p], at(0, 3))).toEqual(new Map());
    expect(penaltyOf(plugin, [p])).toBe(0);
    expect(plugin.masks([p], at(1, 3))).toEqual(new Map());
    expect(penaltyOf(plugin, [p])).toBeCloseTo(0.5 * 0.3 * 3 * (0.01 + 0.09), 6);
    checkGradient(plugin, [p]);
    const [gradient] = gradientOf(plugin, [p]);
    expect(gradient.map((g) => Number(g !== 0)).join('')).toBe('01010'.repeat(3));
    run.prune(plugin, 'fc/kernel', at(2, 3));
    expect(
      read(p)
        .map((w) => Number(w !== 0))
        .join(''),
    ).toBe('10101'.repeat(3));
    plugin.dispose?.();
    run.dispose();
  });

  it('goes on after save and load as if nothing had happened', () => {
    const run = zoo();
    const of = run.select(['fc/kernel', 'conv/kernel']);
    const make = () => growing({ sparsity: 0.5, strength: 1 });
    const [first, second] = [make(), make()];
    first.start?.(run, of);
    for (const i of [0, 1]) first.masks(of, at(i, 4));
    const state = first.save?.() as { json: unknown; arrays: Record<string, Uint8Array> };
    second.start?.(run, of);
    second.load?.({ json: JSON.parse(JSON.stringify(state.json)), arrays: state.arrays });
    expect(penaltyOf(second, of)).toBe(penaltyOf(first, of));
    const last = [first, second].map((plugin) => {
      for (const p of of)
        set(
          p,
          read(p).map((w) => w + 0.01),
        ); // the choice is that of the first firing
      const masks = plugin.masks(of, at(3, 4)) as Map<unknown, tf.Tensor>;
      return [...masks.values()].map((mask) => [...mask.dataSync()]);
    });
    expect(last[0]).toEqual(last[1]);
    const pruned = last[0].map((mask) => mask.filter((m) => m === 0).length);
    expect(pruned).toEqual([12, 8]); // round(0.5 · 24), round(0.5 · 15)
  });

  it('in training: presses the weights out before it prunes them; leaks nothing', async () => {
    const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [4], useBias: false })] });
    net.setWeights([tf.tensor2d([[1], [0.3], [0.2], [1]])]);
    const data = {
      size: 4,
      stepsPerEpoch: 4,
      *batches() {
        for (let i = 0; i < 4; i++) {
          const row = [0, 1, 2, 3].map((j) => Number(i === j));
          yield {
            inputs: tf.tensor2d([row]),
            labels: tf.tensor2d([[row[0] + row[3] + 0.25 * (row[1] + row[2])]]),
          };
        }
      },
    };
    const run = new Run(net);
    const plugin = growing({ sparsity: 0.5, strength: 20 });
    const before = tf.memory().numTensors;
    const seen: number[][] = [];
    await train(run, {
      data,
      epochs: 30,
      loss: 'meanSquaredError',
      optimizer: { name: 'sgd' },
      learningRate: 0.05,
      schedules: [{ plugin, every: { steps: 4 }, end: 20 }],
      onEpoch: () => {
        seen.push(kernelOf(net));
      },
    });
    expect(Math.abs(seen[18][1])).toBeLessThan(0.05); // at the last firing but one: nearly gone by itself
    expect(kernelOf(net)[1]).toBe(0);
    expect(kernelOf(net)[2]).toBe(0);
    expect(kernelOf(net)[0]).toBeCloseTo(1, 3);
    plugin.dispose?.();
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a schedule that fires once', () => {
    const run = zoo();
    expect(() => growing({ sparsity: 0.5, strength: 1 }).masks(run.select('fc/kernel'), once())).toThrow(
      'fires once',
    );
    expect(() => growing({ sparsity: 2, strength: 1 })).toThrow('sparsity is 2');
  });
});
