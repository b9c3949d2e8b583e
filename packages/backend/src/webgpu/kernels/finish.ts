import type { TensorInfo } from '@tensorflow/tfjs-core';
import { elementwise, elementwiseGrid, type Kernel, type Launcher } from '../dispatch/kernel.js';

/** Activations that a product can end with, of a value v. NaN stays NaN. */
const ACTIVATIONS = {
  linear: 'v',
  relu: 'select(v, 0.0, v < 0.0)',
  relu6: 'select(select(v, 6.0, v > 6.0), 0.0, v < 0.0)',
  sigmoid: '1.0 / (1.0 + exp(-v))',
} as const;

type Activation = keyof typeof ACTIVATIONS;

/** What is done to each element of a product [m, n]. */
export interface Finish {
  /** [n]: added before the activation. */
  readonly bias?: TensorInfo | undefined;
  readonly activation: Activation;
}

/** How TF.js's fused kernels end; undefined for an ending that is left to them. */
export function finishOf(
  bias: TensorInfo | undefined,
  columns: number,
  activation: string | null | undefined,
): Finish | undefined {
  const name = activation ?? 'linear';
  if (!(name in ACTIVATIONS)) return undefined;
  if (bias && bias.shape.reduce((size, length) => size * length, 1) !== columns) return undefined;
  return { bias, activation: name as Activation };
}

/** WGSL: an element's value at column n, finished. */
export function finished(value: string, n: string, finish: Finish | undefined): string {
  if (!finish) return value;
  const sum = finish.bias ? `(${value} + bias[${n}])` : value;
  return ACTIVATIONS[finish.activation].replace(/\bv\b/g, sum);
}

const kernels = new Map<string, Kernel>();

/** Adds up the parts [parts, m, n] of a product, one element a thread, and finishes it. */
export function finishSums(
  gpu: Launcher,
  parts: TensorInfo,
  [count, m, n]: readonly [number, number, number],
  shape: readonly number[],
  finish: Finish | undefined,
): TensorInfo {
  const name = `parts/${finish?.activation ?? ''}/${finish?.bias ? 'bias' : ''}`;
  let kernel = kernels.get(name);
  if (kernel === undefined) {
    kernel = elementwise({
      name,
      writes: ['y'],
      reads: ['x', ...(finish?.bias ? ['bias'] : [])],
      params: ['parts', 'columns'],
      body: `
var sum = x[i];
for (var part = 1u; part < p.parts; part++) { sum += x[part * p.size + i]; }
y[i] = ${finished('sum', 'i % p.columns', finish)};`,
    });
    kernels.set(name, kernel);
  }
  const y = gpu.make(shape);
  const tensors = finish?.bias ? [y, parts, finish.bias] : [y, parts];
  gpu.run(kernel, tensors, [m * n, count, n], elementwiseGrid(m * n));
  return y;
}
