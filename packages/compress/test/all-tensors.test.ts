import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../src/fidelity/bench.js';
import { load } from '../src/model/load.js';
import { Tensors } from '../src/model/tensors.js';
import { planAll } from '../src/plan/all-tensors.js';
import type { Plan } from '../src/plan/tensor-plan.js';
import { Work } from '../src/time-budget.js';
import { trace } from '../src/trace/trace.js';
import { GraphBuilder, wave } from './graphs.js';
import { noise } from './models.js';

beforeAll(() => tf.ready());

describe('plans of a model', () => {
  async function plansOf(g: GraphBuilder, x: tf.Tensor): Promise<Map<string, Plan>> {
    const artifacts = g.artifacts();
    const { numTensors } = tf.memory();
    const model = await load(artifacts);
    const tensors = new Tensors(artifacts, model);
    const batches = [[x]];
    const bench = await Bench.of(model, batches, tensors.twins, 1);
    const traced = await trace(model, [x], tensors.twins);
    const work = new Work(Number.POSITIVE_INFINITY);
    work.gradientExamples = x.shape[0] as number;
    const plans = await planAll(model, tensors, traced, batches, bench, work, () => {});
    // Of fewer examples, which are parts of the batch, nothing is left either.
    work.gradientExamples = 1;
    await planAll(model, tensors, traced, batches, bench, work, () => {});
    model.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
    return new Map(plans.map((plan) => [plan.weight.name, plan]));
  }
  const product = (g: GraphBuilder, name: string, x: string, w: string): string =>
    g.node(name, 'MatMul', [x, w], { transpose_a: { b: false }, transpose_b: { b: false } });
  const square = (plan: Plan | undefined): number => 4 ** -(plan?.wish.mean ?? 0);

  test('leave out few numbers, constant ones, and vectors that no output feels', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [-1, 8]);
    const sum = g.node('sum', 'BiasAdd', [
      product(g, 'm', x, g.constant('w', [8, 8], wave(64, 1))),
      g.constant('b', [8], wave(8, 2)),
    ]);
    const scaled = g.node('scaled', 'Mul', [sum, g.constant('same', [8], new Float32Array(8).fill(3))]);
    const few = g.node('few', 'Mul', [scaled, g.constant('seven', [1, 1], Float32Array.of(2))]);
    const off = g.node('off', 'Mul', [
      product(g, 'n', x, g.constant('silent', [8, 8], wave(64, 3))),
      g.scalar('zero', 0),
    ]);
    const offVector = g.node('off2', 'Mul', [g.constant('quiet', [8], wave(8, 5)), g.scalar('nil', 0)]);
    g.node('y', 'AddV2', [g.node('both', 'AddV2', [few, off]), offVector]);
    g.output('y');
    const input = noise([16, 8], 1);
    const plans = await plansOf(g, input);
    input.dispose();
    expect([...plans.keys()]).toEqual(['w', 'b', 'silent']);
    expect(plans.get('silent')?.unreached).toBe(true);
    expect(plans.get('w')?.linear?.bias).toBe('b');
    expect(plans.get('b')?.linear).toBeUndefined();
    // 72 weights are felt: error in units of the mean square, over these.
    const own = plans.get('silent')?.values as Float32Array;
    expect(square(plans.get('silent'))).toBeCloseTo(64 / 72 / own.reduce((s, v) => s + v * v, 0), 6);
  });

  test('of what outputs feel but little are none that they do not feel', async () => {
    // What the output gains by a weight is 1 / 100 of the weight.
    const g = new GraphBuilder();
    const x = g.input('x', [-1, 8]);
    g.node('y', 'Mul', [product(g, 'm', x, g.constant('w', [8, 8], wave(64, 1))), g.scalar('little', 0.01)]);
    g.output('y');
    const input = noise([16, 8], 1);
    const plans = await plansOf(g, input);
    input.dispose();
    expect(plans.get('w')?.unreached).toBeUndefined();
    expect(plans.get('w')?.linear).toBeDefined();
  });

  test('leave no mean to a bias that is kept', async () => {
    for (const [size, values] of [
      [8, new Float32Array(8)],
      [7, wave(7, 2)],
    ] as const) {
      const g = new GraphBuilder();
      const w = g.constant('w', [8, size], wave(8 * size, 1));
      g.node('y', 'BiasAdd', [product(g, 'm', g.input('x', [-1, 8]), w), g.constant('b', [size], values)]);
      g.output('y');
      const x = noise([16, 8], 1);
      const plans = await plansOf(g, x);
      x.dispose();
      expect([...plans.keys()]).toEqual(['w']);
      expect(plans.get('w')?.linear?.bias).toBeUndefined();
      expect(plans.get('w')?.linear?.factors[0]?.size).toBe(8);
    }
  });

  test('of tensors that are the same count what all of them are felt', async () => {
    // Outputs of both are apart, so that signs are no matter; the second is felt three times as much.
    const net = (own: Float32Array): GraphBuilder => {
      const g = new GraphBuilder();
      const x = g.input('x', [-1, 8]);
      const once = product(g, 'm', x, g.constant('w', [8, 8], wave(64, 1)));
      const triple = g.node('triple', 'Mul', [
        product(g, 'n', x, g.constant('v', [8, 8], own)),
        g.scalar('three', 3),
      ]);
      g.node('y', 'ConcatV2', [once, triple, g.scalar('axis', 1, 'int32')], { N: { i: '2' } });
      g.output('y');
      return g;
    };
    const x = noise([32, 8], 1);
    const apart = await plansOf(net(wave(64, 1).map((v, i) => (i === 0 ? v + 1e-4 : v))), x);
    const twins = await plansOf(net(wave(64, 1)), x);
    x.dispose();
    expect([...apart.keys()]).toEqual(['w', 'v']);
    expect([...twins.keys()]).toEqual(['w']);
    // But for how far correlations are believed, of which twins have twice as many examples.
    const sum = square(apart.get('w')) + square(apart.get('v'));
    expect(square(twins.get('w')) / sum).toBeCloseTo(1, 1);
    expect(square(apart.get('v')) / square(apart.get('w'))).toBeGreaterThan(4);
  });
});
