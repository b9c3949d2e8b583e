import { dequantize, type Pruner, type QuantizedTensor, type Quantizer, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, dense, perceptron, values, weightsOf } from './helpers.js';

let run: Run;
let before = 0;
beforeEach(() => {
  run = new Run(perceptron());
  before = tf.memory().numTensors;
});
afterEach(() => {
  run.dispose();
  expect(tf.memory().numTensors).toBe(before);
  run.model.dispose();
});

const kernel = () => run.parameter('hidden/kernel'); // [6, 5]
const bits = (keep: (i: number) => boolean): tf.Tensor =>
  tf.tensor2d(
    Array.from({ length: 30 }, (_, i) => (keep(i) ? 1 : 0)),
    [6, 5],
  );
const even = (i: number): boolean => i % 2 === 0;
const third = (i: number): boolean => i % 3 === 0;

/** Values of the kernel where `keep`, 0 elsewhere. */
const masked = (of: number[], keep: (i: number) => boolean): number[] => of.map((v, i) => (keep(i) ? v : 0));

/** Three values, the middle one 0; `keep` says which elements are not 0. */
function shared(keep: (i: number) => boolean = () => true): QuantizedTensor {
  return {
    codebook: Float32Array.of(-0.5, 0, 0.25),
    indices: Uint8Array.from({ length: 30 }, (_, i) => (keep(i) ? (i % 2) * 2 : 1)),
    fixed: [1],
  };
}

/** A quantizer of the first parameter. */
const sharing = (tensor: () => QuantizedTensor | Promise<QuantizedTensor>): Quantizer => ({
  name: 'sharing',
  kinds: ['quantizer'],
  start: (_, [first]) => ({ quantize: async () => new Map([[first, await tensor()]]) }),
});

describe('parameters', () => {
  test('by name, with the nearest name in the error', async () => {
    expect(kernel().shape).toEqual([6, 5]);
    expect(await codeOf(() => run.parameter('hiden/kernel'))).toBe('unknown-name');
    expect(() => run.parameter('hiden/kernel')).toThrow("'hidden/kernel'");
  });

  test('by selector, kernels by default', () => {
    expect(run.select().map((p) => p.name)).toEqual(['hidden/kernel', 'out/kernel']);
    expect(run.select('**/bias').map((p) => p.name)).toEqual(['hidden/bias', 'out/bias']);
  });
});

describe('masks', () => {
  test('zero what they prune, exactly', () => {
    const start = values(kernel().variable);
    run.setMask(kernel(), bits(even));
    expect(values(kernel().variable)).toEqual(masked(start, even));
  });

  test('of several owners combine by AND; lifting one leaves the other', () => {
    const start = values(kernel().variable);
    run.setMask(kernel(), bits(even), 'a');
    run.setMask(kernel(), bits(third), 'b');
    const both = (i: number): boolean => even(i) && third(i);
    expect(values(run.mask(kernel())!)).toEqual(masked(new Array<number>(30).fill(1), both));
    expect(values(kernel().variable)).toEqual(masked(start, both));
    run.setMask(kernel(), null, 'a');
    expect(values(run.mask(kernel())!)).toEqual(Array.from({ length: 30 }, (_, i) => (third(i) ? 1 : 0)));
    run.setMask(kernel(), null, 'b');
    expect(run.mask(kernel())).toBeUndefined();
  });

  test('an owner replaces its own mask', () => {
    run.setMask(kernel(), bits(even), 'a');
    run.setMask(kernel(), bits(third), 'a');
    expect(values(run.mask(kernel())!)).toEqual(Array.from({ length: 30 }, (_, i) => (third(i) ? 1 : 0)));
  });

  test('may be boolean or integer', () => {
    const start = values(kernel().variable);
    run.setMask(
      kernel(),
      tf.tidy(() => tf.cast(bits(even), 'bool')),
      'a',
    );
    run.setMask(
      kernel(),
      tf.tidy(() => tf.cast(bits(third), 'int32')),
      'b',
    );
    expect(run.mask(kernel())!.dtype).toBe('float32');
    expect(values(kernel().variable)).toEqual(masked(start, (i) => even(i) && third(i)));
  });

  test('made inside a tidy live on', () => {
    tf.tidy(() => run.setMask(kernel(), bits(even)));
    expect(values(run.mask(kernel())!)).toHaveLength(30);
  });

  test('of another shape are refused, and nothing changes', async () => {
    const start = weightsOf(run.model);
    const wrong = tf.ones([5, 6]);
    expect(await codeOf(() => run.setMask(kernel(), wrong))).toBe('shape-mismatch');
    wrong.dispose();
    expect(weightsOf(run.model)).toEqual(start);
    expect(run.mask(kernel())).toBeUndefined();
  });

  test('applyMasks zeroes what a loop of one’s own wrote', () => {
    run.setMask(kernel(), bits(even));
    const bias = values(run.parameter('hidden/bias').variable);
    tf.tidy(() => kernel().variable.assign(tf.ones([6, 5])));
    run.applyMasks();
    expect(values(kernel().variable)).toEqual(Array.from({ length: 30 }, (_, i) => (even(i) ? 1 : 0)));
    expect(values(run.parameter('hidden/bias').variable)).toEqual(bias);
  });

  test('prune calls a pruner once', () => {
    const start = values(kernel().variable);
    const seen: string[][] = [];
    const pruner: Pruner = {
      name: 'mine',
      kinds: ['pruner'],
      start: (_, of) => ({
        masks: () => {
          seen.push(of.map((p) => p.name));
          return new Map([[of[0], bits(even)]]);
        },
      }),
    };
    run.prune(pruner);
    run.prune(pruner, 'hidden/kernel');
    expect(seen).toEqual([['hidden/kernel', 'out/kernel'], ['hidden/kernel']]);
    expect(values(kernel().variable)).toEqual(masked(start, even));
  });

  test('counts', async () => {
    expect(await run.counts()).toEqual({ parameters: 53, nonzero: 30 + 15 });
    run.setMask(kernel(), bits(even));
    expect(await run.counts()).toEqual({ parameters: 53, nonzero: 15 + 15 });
  });
});

describe('dense copies', () => {
  test('bring pruned weights back when the mask lets them', () => {
    const start = values(kernel().variable);
    const dense = run.keepDense(kernel());
    expect(run.keepDense(kernel())).toBe(dense);
    run.setMask(kernel(), bits(even));
    expect(values(kernel().variable)).toEqual(masked(start, even));
    expect(values(dense)).toEqual(start);
    run.setMask(kernel(), bits(third));
    expect(values(kernel().variable)).toEqual(masked(start, third));
    run.setMask(kernel(), null);
    expect(values(kernel().variable)).toEqual(start);
  });

  test('dropped, what is pruned stays pruned', () => {
    const start = values(kernel().variable);
    run.keepDense(kernel());
    run.setMask(kernel(), bits(even));
    run.dropDense(kernel());
    run.setMask(kernel(), null);
    expect(run.dense(kernel())).toBeUndefined();
    expect(values(kernel().variable)).toEqual(masked(start, even));
  });
});

describe('shared values', () => {
  test('replace the weights, and go free again', () => {
    const tensor = shared();
    run.share(kernel(), tensor);
    expect(values(kernel().variable)).toEqual([...dequantize(tensor)]);
    expect(run.shared(kernel())).toBe(tensor);
    run.unshare(kernel());
    expect(run.shared(kernel())).toBeUndefined();
    expect(values(kernel().variable)).toEqual([...dequantize(tensor)]);
  });

  test('must be as many as the weights', async () => {
    const tensor = { codebook: Float32Array.of(1), indices: new Uint8Array(29) };
    expect(await codeOf(() => run.share(kernel(), tensor))).toBe('shape-mismatch');
  });

  test('quantize calls a quantizer once', async () => {
    const quantizer = sharing(async () => shared());
    await run.quantize(quantizer);
    expect(values(kernel().variable)).toEqual([...dequantize(shared())]);
    expect(run.shared(run.parameter('out/kernel'))).toBeUndefined();
  });

  test('that are not 0 where weights are pruned are refused', async () => {
    run.setMask(kernel(), bits(even));
    const start = weightsOf(run.model);
    const wrong = sharing(() => shared());
    expect(await codeOf(() => run.quantize(wrong))).toBe('bad-plugin');
    expect(weightsOf(run.model)).toEqual(start);
    const right = sharing(() => shared(even));
    await run.quantize(right);
    expect(values(kernel().variable)).toEqual([...dequantize(shared(even))]);
  });

  test('cannot be pruned', async () => {
    run.share(kernel(), shared());
    const mask = bits(even);
    expect(await codeOf(() => run.setMask(kernel(), mask))).toBe('invalid-schedule');
    mask.dispose();
    expect(values(kernel().variable)).toEqual([...dequantize(shared())]);
  });
});

describe('save and load', () => {
  test('give back weights, masks by owner, dense copies and shared values', async () => {
    const out = run.parameter('out/kernel');
    run.keepDense(kernel());
    run.setMask(kernel(), bits(even), 'a');
    run.setMask(kernel(), bits(third), 'b:c');
    const variance = Array.from({ length: 30 }, (_, i) => i / 4);
    run.setVariance(kernel(), tf.tensor2d(variance, [6, 5]));
    run.share(out, {
      codebook: Float32Array.of(-1, 0, 1),
      indices: Uint16Array.from({ length: 15 }, (_, i) => i % 3),
      fixed: [1],
    });
    const state = await run.save();
    const weights = weightsOf(run.model);
    const dense = values(run.dense(kernel())!);

    const again = new Run(perceptron(9));
    again.load(state);
    const at = again.parameter('hidden/kernel');
    expect(weightsOf(again.model)).toEqual(weights);
    expect(values(again.dense(at)!)).toEqual(dense);
    expect(values(again.variance(at)!)).toEqual(variance);
    expect(state.arrays!['mask:hidden/kernel:a']).toEqual(
      Uint8Array.from({ length: 30 }, (_, i) => (even(i) ? 1 : 0)),
    );
    expect(again.shared(again.parameter('out/kernel'))).toEqual(run.shared(out));
    expect(await again.save()).toEqual(state);
    again.setMask(at, null, 'a');
    expect(values(again.mask(at)!)).toEqual(Array.from({ length: 30 }, (_, i) => (third(i) ? 1 : 0)));
    again.dispose();
    again.model.dispose();
  });

  test('loading forgets what was there before', async () => {
    const clean = await run.save();
    run.setMask(kernel(), bits(even));
    run.keepDense(kernel());
    run.setVariance(kernel(), tf.ones([6, 5]));
    run.share(run.parameter('out/kernel'), {
      codebook: Float32Array.of(0.5),
      indices: new Uint8Array(15),
    });
    run.load(clean);
    expect(run.mask(kernel())).toBeUndefined();
    expect(run.dense(kernel())).toBeUndefined();
    expect(run.variance(kernel())).toBeUndefined();
    expect(run.shared(run.parameter('out/kernel'))).toBeUndefined();
    expect(await run.save()).toEqual(clean);
  });

  test('a saved state does not change when training goes on', async () => {
    run.share(kernel(), shared());
    const state = await run.save();
    const copy = structuredClone(state);
    run.unshare(kernel());
    tf.tidy(() => kernel().variable.assign(tf.zeros([6, 5])));
    expect(state).toEqual(copy);
  });

  test('a state of another model is refused, and nothing changes', async () => {
    const state = await run.save();
    const other = structuredClone(state) as { arrays: Record<string, Float32Array> };
    other.arrays['weight:out/bias'] = new Float32Array(4);
    run.setMask(kernel(), bits(even));
    const start = weightsOf(run.model);
    expect(await codeOf(() => run.load(other))).toBe('bad-state');
    expect(weightsOf(run.model)).toEqual(start);
    expect(run.mask(kernel())).toBeDefined();
    expect(await codeOf(() => run.load({ arrays: {} }))).toBe('bad-state');
    expect(await codeOf(() => run.load({}))).toBe('bad-state');
  });
});

describe('replaceModel', () => {
  const left = Int32Array.of(0, 3); // of the five hidden units
  const kept = new Map([
    ['hidden/kernel', [{ axis: 1, indices: left }]],
    ['hidden/bias', [{ axis: 0, indices: left }]],
    ['out/kernel', [{ axis: 0, indices: left }]],
  ]);
  /** Where the elements of the small kernels were in the large ones: `[6, 2]` of `[6, 5]`, `[2, 3]` of `[5, 3]`. */
  const ofHidden = Array.from({ length: 12 }, (_, i) => Math.floor(i / 2) * 5 + left[i % 2]);
  const ofOut = Array.from({ length: 6 }, (_, i) => left[Math.floor(i / 3)] * 3 + (i % 3));

  /** The model with two of five units, its weights cut; the large one is disposed. */
  async function cut(change?: (small: tfl.LayersModel) => void): Promise<void> {
    const large = run.model;
    const [hidden, bias, out, outBias] = large.getWeights().map(values);
    const small = tfl.sequential({
      layers: [dense('hidden', 2, 1, { inputShape: [6] }), dense('out', 3, 2)],
    });
    const weights = [
      tf.tensor2d(
        ofHidden.map((i) => hidden[i]),
        [6, 2],
      ),
      tf.tensor1d([...left].map((i) => bias[i])),
      tf.tensor2d(
        ofOut.map((i) => out[i]),
        [2, 3],
      ),
      tf.tensor1d(outBias),
    ];
    small.setWeights(weights);
    tf.dispose(weights);
    change?.(small);
    await run.replaceModel({ model: small, kept });
    large.dispose(); // As many weights as the small one: the count of tensors at the end is that of the start.
    expect(run.model).toBe(small);
  }

  test('cuts masks along with the weights', async () => {
    run.setMask(kernel(), bits(even));
    await cut();
    expect(run.parameter('hidden/kernel').shape).toEqual([6, 2]);
    const mask = ofHidden.map((i) => (even(i) ? 1 : 0));
    expect(values(run.mask(kernel())!)).toEqual(mask);
    expect(values(kernel().variable).map((v) => (v === 0 ? 0 : 1))).toEqual(mask);
  });

  test('cuts shared values, variances and slots along', async () => {
    const indices = Uint16Array.from({ length: 15 }, (_, i) => i % 3);
    run.share(run.parameter('out/kernel'), { codebook: Float32Array.of(-1, 0, 1), indices, fixed: [1] });
    run.setVariance(
      kernel(),
      tf.tensor2d(
        Array.from({ length: 30 }, (_, i) => i),
        [6, 5],
      ),
    );
    run.setSlots(kernel(), { m: Float32Array.from({ length: 30 }, (_, i) => -i) });
    const bias = run.parameter('out/bias');
    run.setSlots(bias, { m: Float32Array.of(1, 2, 3) });
    await cut();
    expect(run.shared(run.parameter('out/kernel'))).toEqual({
      codebook: Float32Array.of(-1, 0, 1),
      indices: Uint16Array.from(ofOut, (i) => i % 3),
      fixed: [1],
    });
    expect(values(run.variance(kernel())!)).toEqual(ofHidden);
    expect([...run.slots(kernel())!.m]).toEqual(ofHidden.map((i) => -i));
    expect([...run.slots(bias)!.m]).toEqual([1, 2, 3]);
    expect(run.slots(run.parameter('out/kernel'))).toBeUndefined();
  });

  test.each([
    ['all', () => 0.5],
    ['one', (i: number) => (i === 7 ? 0.5 : 0)],
  ])('lets values go free of which the transform has changed %s', async (_, added) => {
    run.share(kernel(), shared());
    await cut((small) => {
      const [hidden, ...rest] = small.getWeights();
      const more = Array.from({ length: 12 }, (_, i) => added(i));
      tf.tidy(() => small.setWeights([tf.add(hidden, tf.tensor2d(more, [6, 2])), ...rest]));
    });
    expect(run.shared(kernel())).toBeUndefined();
  });

  test('forgets what does not fit', async () => {
    run.setMask(kernel(), bits(even));
    run.share(run.parameter('out/kernel'), { codebook: Float32Array.of(0.5), indices: new Uint8Array(15) });
    const large = run.model;
    const other = tfl.sequential({
      layers: [dense('hidden', 4, 1, { inputShape: [6] }), dense('out', 3, 2)],
    });
    await run.replaceModel({ model: other });
    large.dispose();
    expect(run.mask(kernel())).toBeUndefined();
    expect(run.shared(run.parameter('out/kernel'))).toBeUndefined();
  });
});
