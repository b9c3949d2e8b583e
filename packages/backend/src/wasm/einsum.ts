import * as tf from '@tensorflow/tfjs-core';
import { addKernel, call, reshape, type WasmBackend } from './heap.js';

/** A tensor whose axes have labels: indices into the equation's list of dimensions. */
interface Labelled {
  readonly tensor: tf.TensorInfo;
  readonly axes: readonly number[];
}

/**
 * Einsum (of one or two operands, all that TF.js allows), which it lacks on wasm: the operands are brought
 * into the shape of one batched matrix product, [batch, own, summed] and [batch, summed, own].
 */
export function registerEinsum(): void {
  addKernel('Einsum', ({ inputs, backend, attrs }) => {
    const operands = Object.values(inputs) as tf.TensorInfo[];
    const { equation } = attrs as unknown as { equation: string };
    // The dimensions of the output come first, in order; those that are summed follow.
    const decoded = tf.backend_util.decodeEinsumEquation(equation, operands.length);
    const { allDims, summedDims, idDims } = decoded;
    tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, operands as tf.Tensor[]);
    const sizes: number[] = [];
    for (const [i, axes] of idDims.entries())
      for (const [j, d] of axes.entries()) sizes[d] = operands[i].shape[j];

    const garbage: tf.TensorInfo[] = [];
    const made = (tensor: tf.TensorInfo): tf.TensorInfo => {
      garbage.push(tensor);
      return tensor;
    };
    const labelled = operands.map((tensor, i): Labelled => {
      // Dimensions that are summed and that the other operand does not have.
      const others = new Set(idDims.flatMap((axes, j) => (j === i ? [] : axes)));
      const lone = idDims[i].filter((d) => summedDims.includes(d) && !others.has(d));
      if (lone.length === 0) return { tensor, axes: idDims[i] };
      const axis = lone.map((d) => idDims[i].indexOf(d));
      const sum = made(call(backend, 'Sum', { x: tensor }, { axis, keepDims: false }));
      return { tensor: sum, axes: idDims[i].filter((d) => !lone.includes(d)) };
    });

    let result = labelled[0];
    if (labelled.length === 2) {
      const [a, b] = labelled;
      const shared = a.axes.filter((d) => b.axes.includes(d));
      const summed = shared.filter((d) => summedDims.includes(d));
      const batch = shared.filter((d) => !summed.includes(d));
      const [ownA, ownB] = [a.axes, b.axes].map((axes) => axes.filter((d) => !shared.includes(d)));
      const size = (dims: readonly number[]): number => dims.reduce((n, d) => n * sizes[d], 1);
      const matrices = (x: Labelled, rows: number[], columns: number[]): tf.TensorInfo => {
        const ordered = made(arrange(backend, x, [...batch, ...rows, ...columns]));
        return made(reshape(backend, ordered, [size(batch), size(rows), size(columns)]));
      };
      const product = made(
        call(
          backend,
          'BatchMatMul',
          { a: matrices(a, ownA, summed), b: matrices(b, summed, ownB) },
          { transposeA: false, transposeB: false },
        ),
      );
      const axes = [...batch, ...ownA, ...ownB];
      const shape = axes.map((d) => sizes[d]);
      result = { tensor: made(reshape(backend, product, shape)), axes };
    }
    const output = allDims.map((_, d) => d).filter((d) => !summedDims.includes(d));
    const out = arrange(backend, result, output);
    for (const tensor of garbage) backend.disposeData(tensor.dataId);
    return out;
  });
}

/** A new tensor with the axes in another order. */
function arrange(backend: WasmBackend, { tensor, axes }: Labelled, order: readonly number[]): tf.TensorInfo {
  const perm = order.map((d) => axes.indexOf(d));
  return perm.every((from, to) => from === to)
    ? call(backend, 'Identity', { x: tensor })
    : call(backend, 'Transpose', { x: tensor }, { perm });
}
