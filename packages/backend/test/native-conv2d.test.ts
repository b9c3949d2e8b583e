import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startBackend } from '../src/index.js';
import { nativeBackend } from '../src/native/ops.js';
import { hasNative } from './native.js';
import { on } from './on-backend.js';

const values = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 * seed));

const backend = hasNative ? await startBackend({ prefer: 'native' }) : undefined;
const compiled = backend?.recorder !== undefined;
if (!compiled) console.warn('the convolutions of the addon are not tested: it is not compiled here');

type Conv = readonly [
  x: [number, number, number, number],
  filter: [number, number, number, number],
  strides: number | [number, number],
  pad: 'same' | 'valid' | number,
];

/** A convolution, its gradients, and it with a bias as a layer without activation computes it. */
function all([xShape, filterShape, strides, pad]: Conv): tf.Tensor[] {
  const [x, filter] = [xShape, filterShape].map((shape, i) =>
    tf.tensor4d(values(tf.util.sizeFromShape(shape), i + 2), shape),
  );
  const rounding = typeof pad === 'number' ? 'floor' : undefined;
  const conv = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad, 'NHWC', 1, rounding);
  const y = conv(x, filter);
  const dy = tf.tensor(values(y.size, 5), y.shape);
  const bias = tf.tensor1d(values(filterShape[3], 7));
  const fused = tf.fused.conv2d({ x, filter, strides, pad, bias, dimRoundingMode: rounding } as Parameters<
    typeof tf.fused.conv2d
  >[0]);
  return [y, ...tf.grads(conv)([x, filter], dy), fused];
}

/** The ops that are executed by the way. */
function opsOf<T>(work: () => T): readonly [T, Set<string>] {
  const native = nativeBackend();
  const { binding } = native;
  const ops = new Set<string>();
  const executeOp: typeof binding.executeOp = (op, ...rest) => {
    ops.add(op);
    return binding.executeOp(op, ...rest);
  };
  native.binding = Object.create(binding, { executeOp: { value: executeOp } });
  try {
    return [work(), ops];
  } finally {
    native.binding = binding;
  }
}

describe.runIf(hasNative)('the gradient of a filter of one place that moves on by two', () => {
  beforeAll(() => tf.setBackend('tensorflow'));

  // Without the cut TensorFlow's own op ends the process, sooner or later.
  it.each([3, 8, 12])('of %i channels is that of the places that are met', (channels) => {
    const [x, dy] = [
      tf.tensor4d(values(2 * 60 * 60 * channels, 2), [2, 60, 60, channels]),
      tf.ones([2, 30, 30, 16]),
    ];
    const conv = (f: tf.Tensor): tf.Tensor => tf.conv2d(x, f as tf.Tensor4D, 2, 'same');
    for (let i = 0; i < 20; i++) {
      const df = tf.grad(conv)(tf.ones([1, 1, channels, 16]), dy);
      const met = tf.tidy(() => tf.sum(tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, 2, 2, 1]), [0, 1, 2]));
      const [sums, expected] = [tf.slice(tf.reshape(df, [channels, 16]), [0, 5], [channels, 1]), met].map(
        (t) => t.dataSync(),
      );
      for (let c = 0; c < channels; c++) expect(sums[c]).toBeCloseTo(expected[c], 2);
      tf.dispose([df, met]);
    }
    tf.dispose([x, dy]);
  });
});

const OURS = ['EspalierConv', 'EspalierConvGradX', 'EspalierConvGradFilter'];

describe.runIf(compiled)('convolutions on the native backend', () => {
  beforeAll(() => tf.setBackend('tensorflow'));
  afterEach(() => vi.unstubAllEnvs());

  it.each<[string, Conv]>([
    ['few places', [[17, 3, 3, 16], [3, 3, 16, 32], 1, 'same']],
    ['strides, and a picture that is not square', [[16, 7, 4, 16], [3, 3, 16, 16], 2, 'same']],
    ['two strides', [[16, 7, 4, 16], [3, 2, 16, 16], [3, 1], 'valid']],
    ['a filter larger than the picture', [[29, 2, 2, 16], [5, 5, 16, 16], 1, 'same']],
    ['zeros around by number', [[16, 3, 3, 16], [3, 3, 16, 16], 1, 1]],
    ['one place', [[40, 3, 3, 32], [3, 3, 32, 16], 1, 'valid']],
    ['a filter of one place', [[16, 6, 6, 16], [1, 1, 16, 48], 1, 'same']],
    ['a filter of one place that skips', [[16, 5, 5, 16], [1, 1, 16, 16], 2, 'same']],
    ['more channels than are taken at once', [[16, 2, 2, 272], [2, 2, 272, 16], 1, 'same']],
    ['more pictures than are taken at once', [[301, 1, 1, 16], [1, 1, 16, 16], 1, 'same']],
  ])('computes what TF.js does: %s', (_name, conv) => {
    const before = tf.memory().numTensors;
    const [got, ops] = opsOf(() => on('tensorflow', () => all(conv)));
    expect(tf.memory().numTensors).toBe(before);
    expect([...ops]).toEqual(expect.arrayContaining(OURS));
    expect(ops.has('Conv2D')).toBe(false);
    const expected = on('cpu', () => all(conv));
    for (const [i, list] of got.entries()) {
      expect(list.length).toBe(expected[i].length);
      const most = expected[i].reduce((m, v) => Math.max(m, Math.abs(v)), 1);
      let worst = 0;
      for (const [k, value] of list.entries()) worst = Math.max(worst, Math.abs(value - expected[i][k]));
      expect(worst / most).toBeLessThan(1e-5);
    }
  });

  it.each<[string, Conv]>([
    ['many places', [[16, 5, 5, 16], [3, 3, 16, 16], 1, 'same']],
    ['few pictures', [[3, 3, 3, 16], [3, 3, 16, 16], 1, 'same']],
    ['parts of vectors', [[16, 3, 3, 12], [3, 3, 12, 20], 1, 'same']],
  ])('leaves to TensorFlow: %s', (_name, conv) => {
    const [, ops] = opsOf(() => on('tensorflow', () => all(conv)));
    for (const op of OURS) expect(ops.has(op)).toBe(false);
  });

  it('comes to the same bits with any number of threads', () => {
    const [one, ...others] = ['1', '2', '5'].map((threads) => {
      vi.stubEnv('TF_NUM_INTRAOP_THREADS', threads);
      return on('tensorflow', () => all([[61, 3, 3, 48], [3, 3, 48, 32], 1, 'same']));
    });
    for (const other of others) expect(other).toEqual(one);
  });

  it('applies an activation as TF.js does', () => {
    const shape = [16, 2, 2, 16] as [number, number, number, number];
    const relu = (): tf.Tensor[] => {
      const x = tf.tensor4d(values(tf.util.sizeFromShape(shape), 3), shape);
      const filter = tf.tensor4d(values(256, 4), [1, 1, 16, 16]);
      return [tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', activation: 'relu' })];
    };
    const [[got], [expected]] = [on('tensorflow', relu), on('cpu', relu)];
    expect(Math.min(...got)).toBe(0);
    for (const [i, value] of got.entries()) expect(value).toBeCloseTo(expected[i], 4);
  });
});
