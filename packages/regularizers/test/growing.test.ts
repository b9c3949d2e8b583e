import { once, type Plugin, type PluginState, Run, Running, seededModel, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { data, model } from '../../core/test/tensors-left.js';
import { kills, type TwoStages, weightsAfter } from '../../core/test/two-stages.js';
import { type GrowingSession, growing } from '../src/index.js';
import { checkGradient, gradientOf, kernelOf, penaltyOf, read, set, zoo } from './gradients.js';

const at = (index: number, count: number) => ({ ...once(), index, count });

function started(
  run: Run,
  plugin: Plugin<GrowingSession>,
  parameters: readonly string[],
  state?: PluginState,
): Running<GrowingSession> {
  const running = run.start(plugin, { parameters, ...(state && { state }) });
  if (running instanceof Running) return running;
  throw new Error('growing takes its time');
}

describe('growing', () => {
  it('chooses the least groups, presses them down, and prunes them at its last firing', () => {
    const run = zoo();
    const [p] = run.select('fc/kernel');
    set(p, [1, 0.1, 0.5, 0.3, 2, 1, 0.1, 0.5, 0.3, 2, 1, 0.1, -0.5, 0.3, 2]);
    const running = started(run, growing({ sparsity: 0.4, strength: 0.6, structure: 'columns' }), [p.name]);
    const { session } = running;
    expect(penaltyOf(session)).toBe(0);
    expect(session.masks(at(0, 3))).toEqual(new Map());
    expect(penaltyOf(session)).toBe(0);
    expect(session.masks(at(1, 3))).toEqual(new Map());
    expect(penaltyOf(session)).toBeCloseTo(0.5 * 0.3 * 3 * (0.01 + 0.09), 6);
    checkGradient(session, [p]);
    const [gradient] = gradientOf(session, [p]);
    expect(gradient.map((g) => Number(g !== 0)).join('')).toBe('01010'.repeat(3));
    running.fire(at(2, 3));
    expect(
      read(p)
        .map((w) => Number(w !== 0))
        .join(''),
    ).toBe('10101'.repeat(3));
    running.dispose();
    run.dispose();
  });

  it('keeps to its first choice, whatever becomes of the weights; of all there are, too', () => {
    for (const [sparsity, left] of [
      [0.4, '00111'],
      [1, '00000'],
    ] as const) {
      const run = zoo();
      const [p] = run.select('fc/kernel');
      const rows = (row: number[]): number[] => [...row, ...row, ...row];
      set(p, rows([1, 2, 3, 4, 5]));
      const running = started(run, growing({ sparsity, strength: 1, structure: 'columns' }), [p.name]);
      running.fire(at(0, 3));
      set(p, rows([5, 4, 3, 2, 1]));
      for (const i of [1, 2]) running.fire(at(i, 3));
      const kept = read(p).map((w) => Number(w !== 0));
      expect(kept.join('')).toBe(left.repeat(3));
      running.dispose();
      run.dispose();
    }
  });

  it('goes on after save and load as if nothing had happened', () => {
    const run = zoo();
    const names = ['fc/kernel', 'conv/kernel'];
    const of = run.select(names);
    const plugin = growing({ sparsity: 0.5, strength: 1 });
    const first = started(run, plugin, names);
    for (const i of [0, 1]) first.fire(at(i, 4));
    const state = first.session.save?.() as PluginState;
    const second = started(run, plugin, names, {
      ...state,
      json: JSON.parse(JSON.stringify(state.json)) as unknown,
    });
    expect(penaltyOf(second.session)).toBeGreaterThan(0);
    expect(penaltyOf(second.session)).toBe(penaltyOf(first.session));
    const last = [first, second].map(({ session }) => {
      for (const p of of) {
        set(
          p,
          read(p).map((w) => w + 0.01), // the choice is that of the first firing
        );
      }
      const masks = session.masks(at(3, 4)) as Map<unknown, tf.Tensor>;
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
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a schedule that fires once', () => {
    const run = zoo();
    expect(() => run.prune(growing({ sparsity: 0.5, strength: 1 }), 'fc/kernel')).toThrow('fires once');
    expect(() => growing({ sparsity: 2, strength: 1 })).toThrow('sparsity is 2');
    expect(() => growing({ sparsity: 0.5, strength: 1, structure: 'blocks' })).toThrow('block is undefined');
    expect(() => growing({ sparsity: 0.5, strength: 1, block: 0 as never })).toThrow('block is 0');
  });

  it('leaves what a stage before has pruned pruned', () => {
    const run = zoo();
    const [p] = run.select('fc/kernel');
    set(
      p,
      Array.from({ length: 15 }, (_, i) => i + 1),
    );
    for (const sparsity of [0.6, 0.2]) {
      const running = started(run, growing({ sparsity, strength: 1 }), [p.name]);
      for (const i of [0, 1]) running.fire(at(i, 2));
      running.dispose();
    }
    set(p, new Array(15).fill(1));
    run.applyMasks();
    expect(read(p)).toEqual([...new Array(9).fill(0), ...new Array(6).fill(1)]);
    run.dispose();
  });

  it('refuses a state of another, and takes that of a tensor which was thinned', () => {
    const run = zoo();
    const plugin = growing({ sparsity: 0.5, strength: 1 });
    for (const state of [{}, { json: { sigmas: {} } }, { json: { strength: 'much' } }]) {
      expect(() => started(run, plugin, ['fc/kernel'], state)).toThrow(
        expect.objectContaining({ code: 'bad-state' }),
      );
    }
    const before = tf.memory().numTensors;
    const state = { json: { strength: 0.5 }, arrays: { 'fc/kernel': Uint8Array.of(1, 0, 1) } };
    const running = started(run, plugin, ['fc/kernel'], state);
    expect(penaltyOf(running.session)).toBe(0);
    running.fire(at(0, 2));
    running.fire(at(1, 2));
    expect(read(run.parameter('fc/kernel')).filter((w) => w === 0).length).toBe(8);
    running.dispose();
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('goes on bit for bit, whenever training is killed, and in a second stage', async () => {
    const stages: TwoStages = {
      run: async () => new Run(await seededModel(model(), 4), { seed: 1 }),
      plugin: () => growing({ sparsity: 0.5, strength: 2, structure: 'filters' }),
      schedule: { every: { steps: 2 }, end: 2 },
      options: { data: data(), epochs: 2, learningRate: 0.05 },
    };
    const whole = await weightsAfter(stages);
    for (const kill of kills(stages)) expect([kill, await weightsAfter(stages, kill)]).toEqual([kill, whole]);
    expect(whole[0].filter((w) => w === 0).length).toBe(whole[0].length / 2);
  });

  it('serves two schedules of a stage, as two of it would', async () => {
    const result = async (first: Plugin, second: Plugin): Promise<number[][]> => {
      const run = new Run(await seededModel(model(), 4), { seed: 1 });
      const schedules = [first, second].map((plugin, i) => ({
        plugin,
        parameters: ['conv/kernel', 'hidden/kernel'][i],
        every: { steps: 2 },
      }));
      await train(run, { data: data(), epochs: 2, schedules });
      const weights = run.select(['conv/kernel', 'hidden/kernel']).map(read);
      run.dispose();
      run.model.dispose();
      return weights;
    };
    const make = (): Plugin => growing({ sparsity: 0.5, strength: 2 });
    const one = make();
    const shared = await result(one, one);
    for (const values of shared) expect(values.filter((w) => w === 0).length).toBe(values.length / 2);
    expect(shared).toEqual(await result(make(), make()));
  });
});
