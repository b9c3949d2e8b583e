import * as tf from '@tensorflow/tfjs-core';
import { type Kernel, type Launcher, launcher } from '../dispatch/kernel.js';
import { replaceKernel } from '../dispatch/replace.js';

const THREADS = 256;
/** Loads that a thread has on the way at once. */
const AHEAD = 4;
/** How many numbers one thread adds up before it is worth to have more workgroups. */
const WORTH = 64;
/** How many parts of a long sum are added up on their own. */
const MOST_PARTS = 512;

/** Threads along the inner axis, and (a power of 2) along the middle one. */
function threadsFor(inner: number): { across: number; down: number } {
  const across = Math.min(inner, 64);
  return { across, down: 2 ** Math.floor(Math.log2(THREADS / across)) };
}

/**
 * Sums x [outer, length, inner] over its middle axis, `part` rows of it per workgroup, into y [outer, parts, inner].
 * The order of additions depends on the shape alone.
 */
function sumKernel(inner: number): Kernel {
  const { across, down } = threadsFor(inner);
  const sums = Array.from({ length: AHEAD }, (_, i) => `sum${i}`);
  return {
    name: `sum/${across}`,
    writes: ['y'],
    reads: ['x'],
    params: ['outer', 'length', 'inner', 'part', 'scale: f32'],
    workgroup: [across, down, 1],
    declarations: `var<workgroup> sums: array<f32, ${across * down}>;`,
    body: `
let column = group.x * ${across}u + local.x;
let end = min(p.length, (group.y + 1u) * p.part);
for (var outer = group.z; outer < p.outer; outer += groups.z) {
  ${sums.map((sum) => `var ${sum} = 0.0;`).join(' ')}
  if (column < p.inner) {
    var row = group.y * p.part + local.y;
    for (; row + ${down * (AHEAD - 1)}u < end; row += ${down * AHEAD}u) {
      let at = (outer * p.length + row) * p.inner + column;
      ${sums.map((sum, i) => `${sum} += x[at + ${down * i}u * p.inner];`).join('\n      ')}
    }
    for (; row < end; row += ${down}u) { sum0 += x[(outer * p.length + row) * p.inner + column]; }
  }
  sums[lane] = ${sums.join(' + ')};
  workgroupBarrier();
  for (var width = ${down / 2}u; width > 0u; width >>= 1u) {
    if (local.y < width) { sums[lane] += sums[lane + width * ${across}u]; }
    workgroupBarrier();
  }
  if (local.y == 0u && column < p.inner) {
    y[(outer * groups.y + group.y) * p.inner + column] = sums[lane] * p.scale;
  }
  workgroupBarrier();
}`,
  };
}

const kernels = new Map<number, Kernel>();

function kernelFor(inner: number): Kernel {
  const key = Math.min(inner, 64);
  const found = kernels.get(key) ?? sumKernel(key);
  kernels.set(key, found);
  return found;
}

/** The sums of x [outer, length, inner] over its middle axis, times `scale`. In two stages where the axis is long. */
export function sumMiddle(
  gpu: Launcher,
  x: tf.TensorInfo,
  [outer, length, inner]: readonly [number, number, number],
  scale: number,
  shape: readonly number[],
): tf.TensorInfo {
  const { across, down } = threadsFor(inner);
  const columns = Math.ceil(inner / across);
  const wanted = Math.min(MOST_PARTS, Math.ceil(length / (down * WORTH)));
  const parts = outer * columns >= MOST_PARTS ? 1 : wanted;
  const part = Math.ceil(length / parts);
  const stages = Math.ceil(length / part);
  const sums = gpu.make(stages === 1 ? shape : [outer, stages, inner]);
  const params = [outer, length, inner, part, stages === 1 ? scale : 1];
  gpu.run(kernelFor(inner), [sums, x], params, [columns, stages, Math.min(outer, 65535)]);
  if (stages === 1) return sums;
  const total = sumMiddle(gpu, sums, [outer, stages, inner], scale, shape);
  gpu.backend.disposeData(sums.dataId);
  return total;
}

/** Axes that lie side by side: the sizes before, of, and behind them. Undefined where they do not. */
export function middle(
  shape: readonly number[],
  axes: readonly number[],
): [number, number, number] | undefined {
  const sorted = [...axes].sort((a, b) => a - b);
  if (sorted.some((axis, i) => axis !== sorted[0] + i)) return undefined;
  const size = (from: number, to: number): number => tf.util.sizeFromShape(shape.slice(from, to));
  const [first, end] = [sorted[0] ?? 0, (sorted[0] ?? 0) + sorted.length];
  return [size(0, first), size(first, end), size(end, shape.length)];
}

/**
 * Sums and means without transposing first, and with more than one workgroup where few sums are long (the gradient of
 * a bias, moments of a batch normalisation, a penalty over all weights).
 */
export function registerReductions(): void {
  for (const name of ['Sum', 'Mean']) {
    replaceKernel(name, (stock) => (args) => {
      const { x } = args.inputs as { x: tf.TensorInfo };
      const { axis, keepDims } = args.attrs as unknown as { axis: number | number[]; keepDims: boolean };
      const axes = tf.util.parseAxisParam(axis, x.shape as number[]);
      const sizes = x.dtype === 'float32' ? middle(x.shape, axes) : undefined;
      if (sizes === undefined) return stock(args);
      const left = x.shape.filter((_, i) => !axes.includes(i));
      const shape = keepDims ? x.shape.map((size, i) => (axes.includes(i) ? 1 : size)) : left;
      if (sizes.includes(0)) {
        // TF.js fails here. The sum of nothing is 0, the mean of nothing is no number.
        const nothing = name === 'Sum' ? 0 : Number.NaN;
        const size = tf.util.sizeFromShape(shape);
        return launcher().backend.makeTensorInfo(shape, 'float32', new Float32Array(size).fill(nothing));
      }
      return sumMiddle(launcher(), x, sizes, name === 'Mean' ? 1 / sizes[1] : 1, shape);
    });
  }
}
