import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { attributes, nativeBackend, type OpAttribute } from '../src/native/ops.js';
import { hasNative } from './native.js';

const values = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 4 * Math.sin((i + 1) * 12.9898 * seed) + 0.5);

describe.runIf(hasNative)('calls of a program that are quickly done', () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'native' });
  });

  /** What an op comes to within a program, or by itself: shape, type and bits. */
  function both(op: string, more: () => OpAttribute[], inputs: readonly tf.Tensor[]) {
    const backend = nativeBackend();
    const { binding } = backend;
    const given = [attributes(binding).type('T', inputs[0].dtype as 'float32'), ...more()];
    const ids = backend.getInputTensorIds(inputs);
    const program = binding.createProgram!({
      slots: inputs.length + 1,
      calls: [
        { op, attributes: given, inputs: ids.map((_, i) => i), freed: [], outputs: [inputs.length, 1] },
      ],
      results: [inputs.length],
      taken: ids.map(() => 0),
    });
    const [made] = binding.runProgram!(program, ids, false);
    const [alone] = binding.executeOp(op, given, ids, 1);
    const seen = [made, alone.id].map((id) => {
      // The shape is told by an op that sees it.
      const [shape] = binding.executeOp(
        'Shape',
        [
          attributes(binding).type('T', inputs[0].dtype as 'float32'),
          attributes(binding).type('out_type', 'int32'),
        ],
        [id],
        1,
      );
      const told = [binding.tensorDataSync(shape.id), binding.tensorDataSync(id)].map((data) =>
        Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
      );
      binding.deleteTensor(shape.id);
      binding.deleteTensor(id);
      return told;
    });
    binding.deleteProgram!(program);
    for (const id of ids) expect(binding.tensorDataSync(id).length).toBeGreaterThanOrEqual(0); // They stay.
    return seen;
  }

  const shapes: [number[], number[]][] = [
    [[], []],
    [
      [3, 5],
      [3, 5],
    ],
    [[7], []],
    [[], [2, 4]],
    [[1], [2, 4]],
    [[1, 1], [4]],
    [[4], [1, 1]],
    [[1], [1, 1]],
    [[2, 3], [3]],
    [
      [2, 1],
      [1, 3],
    ],
    [[0], [0]],
    [[0, 2], []],
    [
      [64, 64],
      [64, 64],
    ],
    [
      [90, 60],
      [90, 60],
    ],
    [[90, 60], []],
  ];

  it.each(['Add', 'AddV2', 'Sub', 'Mul', 'RealDiv'])('%s, of any shapes', (op) => {
    for (const [a, b] of shapes) {
      const [x, y] = [a, b].map((shape, i) => tf.tensor(values(tf.util.sizeFromShape(shape), i + 2), shape));
      const [ours, theirs] = both(op, () => [], [x, y]);
      expect([a, b, ours]).toEqual([a, b, theirs]);
      tf.dispose([x, y]);
    }
  });

  it('numbers that are none, whole numbers, and one sided ops', () => {
    const odd = tf.tensor1d([Number.NaN, Number.POSITIVE_INFINITY, -0, 0, 1e-44, 3e38, -3e38]);
    const back = tf.reverse(odd);
    for (const op of ['Add', 'Sub', 'Mul', 'RealDiv']) {
      // What bits not a number has, TensorFlow leaves open.
      const [ours, theirs] = both(op, () => [], [odd, back]).map(([, bits]) =>
        Array.from(new Float32Array(Uint8Array.from(Buffer.from(bits, 'hex')).buffer)),
      );
      expect(ours).toEqual(theirs);
    }
    const [ours, theirs] = both('Neg', () => [], [tf.tensor2d(values(12, 3), [3, 4])]);
    expect(ours).toEqual(theirs);
    const whole = tf.tensor1d([1, -2, 2 ** 30], 'int32');
    const [summed, wanted] = both('Add', () => [], [whole, whole]);
    expect(summed).toEqual(wanted);
  });

  it.each<[number[], number[], tf.DataType]>([
    [[6], [2, 3], 'float32'],
    [[2, 3], [3, -1], 'float32'],
    [[1], [], 'float32'],
    [[], [1, 1], 'float32'],
    [[0, 4], [4, 0], 'float32'],
    [[100, 90], [9000], 'float32'],
    [[2, 3], [6], 'int32'],
    [[2, 3], [3, 2], 'bool'],
  ])('%j becomes %j of %s', (from, to, dtype) => {
    const x = tf.cast(tf.tensor(values(tf.util.sizeFromShape(from), 2), from), dtype);
    const shape = [attributes(nativeBackend().binding).type('Tshape', 'int32')];
    const [ours, theirs] = both('Reshape', () => shape, [x, tf.tensor1d(to, 'int32')]);
    expect(ours).toEqual(theirs);
    tf.dispose(x);
  });

  it('what cannot be computed is refused as ever', () => {
    const [x, to] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([2, 2], 'int32')];
    const shape = [attributes(nativeBackend().binding).type('Tshape', 'int32')];
    expect(() => both('Reshape', () => shape, [x, to])).toThrow(/reshape/i);
    expect(() => both('Add', () => [], [x, tf.tensor1d([1, 2])])).toThrow(/Incompatible shapes/);
  });
});
