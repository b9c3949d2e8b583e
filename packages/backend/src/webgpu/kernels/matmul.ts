import * as tf from '@tensorflow/tfjs-core';
import { launcher } from '../dispatch/kernel.js';
import { replaceKernel } from '../dispatch/replace.js';
import { finishOf } from './finish.js';
import { multiply, type Operand, type Product } from './gemm.js';

/** A factor as it lies in memory: [outer, k], or (`across`) [k, outer]; `size` is that of the outer axis, m or n. */
function factor(size: 'm' | 'n', across: boolean, neighbours: number): Operand {
  const along = across ? 'outer' : 'k';
  const at = (s: string): string => (across ? `k${s} * p.${size} + o${s}` : `o${s} * p.k + k${s}`);
  return {
    declarations: () => '',
    along,
    vector: neighbours % 4 === 0 ? along : undefined,
    outer: () => '',
    place: (s) => `Place(${at(s)}, (o${s} < vec4i(p.${size})) & vec4<bool>(k${s} < p.k))`,
  };
}

/** The product of two matrices. */
export function matrixProduct(
  [m, n, k]: readonly [number, number, number],
  transposeA: boolean,
  transposeB: boolean,
): Product {
  const name = `matmul/${transposeA ? 't' : 'n'}${transposeB ? 't' : 'n'}`;
  const a = factor('m', transposeA, transposeA ? m : k);
  const b = factor('n', !transposeB, transposeB ? k : n);
  return { name, a, b, m, n, k };
}

interface Factors {
  readonly product: Product;
  readonly tensors: readonly [tf.TensorInfo, tf.TensorInfo];
  /** The result's shape. */
  readonly shape: readonly number[];
}

/** The product that a matrix kernel of TF.js is asked for; undefined for batches, other types and empty factors. */
function factorsOf(args: Parameters<tf.KernelFunc>[0]): Factors | undefined {
  const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
  const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean };
  const single = [a, b].every(({ shape }) => tf.util.sizeFromShape(shape.slice(0, -2)) === 1);
  const [rows, inner] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const [depth, columns] = transposeB ? b.shape.slice(-2).reverse() : b.shape.slice(-2);
  const floats = a.dtype === 'float32' && b.dtype === 'float32';
  if (!single || !floats || inner !== depth || rows * columns * inner === 0) return undefined;
  const rank = Math.max(a.shape.length, b.shape.length);
  return {
    product: matrixProduct([rows, columns, inner], transposeA, transposeB),
    tensors: [a, b],
    shape: [...Array(rank - 2).fill(1), rows, columns],
  };
}

/**
 * Products of two float32 matrices, with bias and activation where TF.js fuses them. TF.js's own adds up long sums with
 * atomic additions, in another order in every run; these give the same bits in every run on one adapter.
 */
export function registerMatMul(): void {
  replaceKernel('BatchMatMul', (stock) => (args) => {
    const found = factorsOf(args);
    return found ? multiply(launcher(), found.product, found.tensors, found.shape) : stock(args);
  });
  replaceKernel('_FusedMatMul', (stock) => (args) => {
    const found = factorsOf(args);
    const { bias } = args.inputs as { bias?: tf.TensorInfo };
    const { activation } = args.attrs as unknown as { activation: string };
    const finish = found && finishOf(bias, found.product.n, activation);
    return finish ? multiply(launcher(), found.product, found.tensors, found.shape, { finish }) : stock(args);
  });
}
