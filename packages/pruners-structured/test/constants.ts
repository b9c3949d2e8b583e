import '@tensorflow/tfjs';
import { Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers } from '@tensorflow/tfjs-layers';
import { expect } from 'vitest';
import { thinModel } from '../src/index.js';
import { normal, write } from './models.js';
import { difference } from './random-model.js';

/**
 * Random weights, and unit 1 of layer `a` (of other layers, too) as one that nothing goes into: a constant, what its bias
 * makes of it. Each layer after the first has `more` in its bias.
 */
export function withConstant(built: LayersModel, bias: number, of: readonly string[] = ['a'], more = 0): Run {
  const run = new Run(built, { seed: 1 });
  for (const [i, p] of run.parameters.entries()) {
    const values = Array.from(normal([p.size], i + 1).dataSync(), (v) => 0.5 * v);
    write(p, p.name.endsWith('variance') ? values.map((v) => 0.5 + Math.abs(v)) : values);
  }
  for (const [l, layer] of of.entries()) {
    for (const p of run.parameters.filter(({ name }) => name.startsWith(`${layer}/`))) {
      const units = p.shape[p.shape.length - 1];
      const value = p.role === 'bias' ? bias + more * l : 0;
      if (p.role === 'kernel' || p.role === 'bias')
        write(
          p,
          Array.from(p.variable.dataSync(), (w, i) => (i % units === Math.min(1, units - 1) ? value : w)),
        );
    }
  }
  return run;
}

/** What is left of the units of `a`, and that the outputs are what they were. */
export async function unitsLeft(run: Run, shape: readonly number[], integers = false): Promise<number> {
  const { model: small, report } = await thinModel(run.model);
  const x = integers
    ? tf.tensor(
        Array.from({ length: 4 * shape[0] }, (_, i) => i % 5),
        [4, ...shape],
      )
    : normal([4, ...shape], 99);
  expect(difference(run.model, small, [x])).toBeLessThan(1e-5);
  const found = report.groups.find(({ name }) => name.split('+').includes('a'));
  return found?.after ?? 3;
}

export const dense = (name: string, units = 3, more = {}): layers.Layer =>
  layers.dense({ name, units, ...more });
