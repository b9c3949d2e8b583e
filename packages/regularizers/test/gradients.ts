import '@tensorflow/tfjs-backend-cpu';
import { type Parameter, type Plugin, Run, randomUniform, type Session } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { expect } from 'vitest';
import type { WeightPenaltySession } from '../src/index.js';

/** A model with one layer of most kinds, all weights set by `fill`. */
export function zoo(): Run {
  const image = input({ shape: [6, 6, 2] });
  const sequence = input({ shape: [4, 3] });
  const outputs = [
    layers.conv2d({ name: 'conv', filters: 3, kernelSize: 2 }).apply(image),
    layers.conv2dTranspose({ name: 'up', filters: 3, kernelSize: 2 }).apply(image),
    layers.depthwiseConv2d({ name: 'depth', kernelSize: 2, depthMultiplier: 2 }).apply(image),
    layers.lstm({ name: 'lstm', units: 2, recurrentInitializer: 'zeros' }).apply(sequence),
    layers.dense({ name: 'fc', units: 5 }).apply(sequence),
  ] as SymbolicTensor[];
  const run = new Run(model({ inputs: [image, sequence], outputs }), { seed: 1 });
  for (const [i, p] of run.parameters.entries()) fill(p, i + 1);
  return run;
}

/** Numbers from -1 to 1 from a seed, none near 0. */
export function fill(parameter: Parameter, seed: number): void {
  const draw = randomUniform(seed);
  const value = (): number => (draw() < 0.5 ? -1 : 1) * (0.2 + 0.8 * draw());
  set(parameter, Float32Array.from({ length: parameter.size }, value));
}

export function set(parameter: Parameter, values: ArrayLike<number>): void {
  const tensor = tf.tensor(Float32Array.from(values), parameter.shape as number[]);
  parameter.variable.assign(tensor);
  tensor.dispose();
}

export const read = (parameter: Parameter): number[] => [...parameter.variable.dataSync()];

/** Weights of a layer as a list, for one-layer models. */
export const kernelOf = (net: LayersModel): number[] => [...net.getWeights()[0].dataSync()];

/** A session of a weight penalty, which looks at nothing of a run but the weights. */
export type Penalises = Pick<WeightPenaltySession, 'penalty'>;

/** A penalty at work on parameters. */
export function penalising(plugin: Plugin<Penalises & Session>, of: readonly Parameter[]): Penalises {
  return plugin.start(undefined as never, of) as Penalises;
}

/** The penalty's value now. */
export function penaltyOf(session: Penalises): number {
  const { value, gradients } = session.penalty();
  const [number] = value.dataSync();
  tf.dispose([value, ...gradients.values()]);
  return number;
}

/** The penalty's gradient with respect to each parameter. */
export function gradientOf(session: Penalises, of: readonly Parameter[]): number[][] {
  const { value, gradients } = session.penalty();
  const numbers = of.map((p) => [...gradients.get(p.variable)!.dataSync()]);
  tf.dispose([value, ...gradients.values()]);
  return numbers;
}

/** Compares the gradient with central differences, weight by weight, and looks for leaked tensors. */
export function checkGradient(session: Penalises, of: readonly Parameter[], tolerance = 2e-3): void {
  const before = tf.memory().numTensors;
  const gradients = gradientOf(session, of);
  expect(tf.memory().numTensors).toBe(before);
  const h = 1 / 64; // exact in float32
  for (const [k, parameter] of of.entries()) {
    const start = read(parameter);
    const scale = Math.max(...gradients[k].map(Math.abs), 1e-3);
    for (let i = 0; i < Math.min(parameter.size, 12); i++) {
      const at = (delta: number): number => {
        set(
          parameter,
          start.map((w, j) => (i === j ? w + delta : w)),
        );
        return penaltyOf(session);
      };
      // Five points: the error is of order h⁴.
      const slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      expect(Math.abs(gradients[k][i] - slope) / scale).toBeLessThan(tolerance);
    }
    set(parameter, start);
  }
  expect(tf.memory().numTensors).toBe(before);
}
