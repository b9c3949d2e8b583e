import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Backend, startBackend } from '../src/index.js';
import { attributes, nativeBackend } from '../src/native/ops.js';
import { fuse } from '../src/native/replay/fuse.js';
import type { ProgramCall } from '../src/native/replay/simplify.js';
import type { Source } from '../src/native/replay/trace.js';
import { hasNative } from './native.js';

type Line = [op: string, inputs: string, outputs?: number];

/** What is left of calls, one a line; `#2` is the output of the third, `#2.1` its second output, all else comes from outside. */
function fused(lines: readonly Line[], results: readonly string[]): string[] {
  const source = (short: string): Source => {
    const [, call, output] = /^#(\d+)(?:\.(\d+))?$/.exec(short) ?? [];
    return call === undefined
      ? (`outside ${short}` as Source)
      : `call ${Number(call)} ${Number(output ?? 0)}`;
  };
  const calls = lines.map(([op, inputs, outputs = 1], index): ProgramCall => {
    const ids = Array.from({ length: outputs }, (_, k) => 10 * index + k);
    const shapes = ids.map(() => (op.endsWith('1') ? [1] : [2, 3]));
    return { op, attributes: [], inputs: inputs.split(' ').map(source), ids, shapes, index };
  });
  return fuse(calls, new Set(results.map(source))).map(({ op, inputs }) => {
    const short = (one: Source): string =>
      one
        .replace('outside ', '')
        .replace(/^call (\d+) (\d+)$/, (_, i, k) => `#${i}${k === '0' ? '' : `.${k}`}`);
    return `${op} ${inputs.map(short).join(' ')}`;
  });
}

/** A normalisation, a ReLU, what uses it, and the way back. */
const chain = (relu = 'Relu'): Line[] => [
  ['EspalierBatchNorm', 'x s o e', 3],
  [relu, '#0'],
  ['Neg', '#1'],
  [`${relu}Grad`, 'dz #0'],
  ['EspalierBatchNormGrad', '#3 x s o #0.1 #0.2 e', 3],
];
const whole = chain().map(([op, inputs]) => `${op} ${inputs}`);

describe('fuse', () => {
  it.each(['Relu', 'Relu6'])('takes a %s and its gradient into the normalisation', (relu) => {
    expect(fused(chain(relu), ['#2', '#4'])).toEqual([
      `EspalierBatchNorm${relu} x s o e`,
      'Neg #0',
      `EspalierBatchNormGrad${relu} dz x s o #0.1 #0.2 e`,
    ]);
  });

  it('takes a ReLU that nothing goes back through', () => {
    expect(fused(chain().slice(0, 3), ['#2'])).toEqual(['EspalierBatchNormRelu x s o e', 'Neg #0']);
  });

  it.each<[string, Line[], string[]]>([
    ['what it normalised is used elsewhere', [['Neg', '#0']], ['#2', '#4', '#5']],
    ['what it normalised leaves the step', [], ['#0', '#2', '#4']],
    ['the ReLU leaves the step', [], ['#1', '#4']],
    ['the gradient of the ReLU is used elsewhere', [['Neg', '#3']], ['#2', '#4', '#5']],
    ['the gradient of the ReLU leaves the step', [], ['#2', '#3', '#4']],
    ['another ReLU follows', [['Relu6', '#0']], ['#2', '#4', '#5']],
  ])('leaves them apart where %s', (_why, more, results) => {
    const left = fused([...chain(), ...more], results);
    expect(left).toEqual([...whole, ...more.map(([op, inputs]) => `${op} ${inputs}`)]);
  });

  it.each<[string, Line]>([
    ['of another picture', ['EspalierBatchNormGrad', '#3 y s o #0.1 #0.2 e', 3]],
    ['with another scale', ['EspalierBatchNormGrad', '#3 x t o #0.1 #0.2 e', 3]],
    ['with other moments', ['EspalierBatchNormGrad', '#3 x s o m v e', 3]],
    ['not of a normalisation', ['Neg', '#3']],
  ])('leaves them apart where the gradient is %s', (_why, gradient) => {
    const lines = [...chain().slice(0, 4), gradient];
    expect(fused(lines, ['#2', '#4'])).toEqual(lines.map(([op, inputs]) => `${op} ${inputs}`));
  });
});

/** A loss's gradient and a penalty's, their sum, and the update by it. */
const update = (add = 'Add', other = 'Neg'): Line[] => [
  ['MatMul', 'x dy'],
  [other, 'w'],
  [add, '#0 #1'],
  ['EspalierAdam', 'w m v rate b1 b2 e #2', 3],
];
const asTheyAre = (lines: readonly Line[]): string[] => lines.map(([op, inputs]) => `${op} ${inputs}`);

describe('fuse, of gradients that are added up', () => {
  it('updates by their sum', () => {
    expect(fused(update(), ['#3'])).toEqual([
      'MatMul x dy',
      'Neg w',
      'EspalierAdamOfSum w m v rate b1 b2 e #0 #1',
    ]);
  });

  it('takes the last of two sums', () => {
    const [first, second, sum] = update();
    const lines: Line[] = [first, second, sum, ['Add', '#2 #1'], ['EspalierMomentum', 'w u rate mu n #3', 2]];
    expect(fused(lines, ['#4'])).toEqual([
      ...asTheyAre([first, second, sum]),
      'EspalierMomentumOfSum w u rate mu n #2 #1',
    ]);
  });

  it.each<[string, Line[], string[]]>([
    ['the sum is used elsewhere', [...update(), ['Neg', '#2']], ['#3', '#4']],
    ['the sum leaves the step', update(), ['#2', '#3']],
    ['one of them has another shape, or is of a shape that is not known', update('Add', 'Sum1'), ['#3']],
    ['it is no sum', update('Sub'), ['#3']],
  ])('leaves them apart where %s', (_why, lines, results) => {
    expect(fused(lines, results)).toEqual(asTheyAre(lines));
  });

  it('takes a mask before the update, with the sum before it and without', () => {
    const [loss, penalty, sum] = update();
    const alone: Line[] = [loss, ['EspalierMask', '#0 mask'], ['EspalierMomentum', 'w u rate mu n #1', 2]];
    expect(fused(alone, ['#2'])).toEqual(['MatMul x dy', 'EspalierMomentumMasked w u rate mu n #0 mask']);
    const both: Line[] = [
      ...[loss, penalty, sum],
      ['EspalierMask', '#2 mask'],
      ['EspalierDescent', 'w rate #3'],
    ];
    expect(fused(both, ['#4'])).toEqual([
      ...asTheyAre([loss, penalty]),
      'EspalierDescentOfSumMasked w rate #0 #1 mask',
    ]);
    // A sum that somebody else sees stays, and is masked in the update.
    expect(fused([...both, ['Neg', '#2']], ['#4', '#5'])).toEqual([
      ...asTheyAre([loss, penalty, sum]),
      'EspalierDescentMasked w rate #2 mask',
      'Neg #2',
    ]);
    // Of what comes from outside a mask makes a gradient all the same.
    const given: Line[] = [
      ['EspalierMask', 'g mask'],
      ['EspalierDescent', 'w rate #0'],
    ];
    expect(fused(given, ['#1'])).toEqual(['EspalierDescentMasked w rate g mask']);
  });

  it.each<[string, Line[], string[]]>([
    ['the masked gradient is used elsewhere', [['Neg', '#0']], ['#1', '#2']],
    ['the masked gradient leaves the step', [], ['#0', '#1']],
  ])('leaves a mask apart where %s', (_why, more, results) => {
    const lines: Line[] = [['EspalierMask', 'g mask'], ['EspalierDescent', 'w rate #0'], ...more];
    expect(fused(lines, results)).toEqual(asTheyAre(lines));
  });

  it('leaves what comes from outside of the step as it is: its shape is not known', () => {
    const lines: Line[] = [
      ['MatMul', 'x dy'],
      ['Add', '#0 w'],
      ['EspalierDescent', 'w rate #1'],
    ];
    expect(fused(lines, ['#2'])).toEqual(asTheyAre(lines));
  });
});

const values = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 4 * Math.sin((i + 1) * 12.9898 * seed) + 0.5);
const bits = (tensors: tf.Tensor[]): string[] =>
  tensors.map((t) => Buffer.from((t.dataSync() as Float32Array).slice().buffer).toString('base64'));

describe.runIf(hasNative)('a normalisation with its ReLU', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await startBackend({ prefer: 'native' });
  });
  afterEach(() => vi.unstubAllEnvs());

  /** Forward and back by two ops each, or by one. */
  function pass(relu: string, shape: number[], together: boolean): string[] {
    const native = nativeBackend();
    const type = [attributes(native.binding).type('T', 'float32')];
    return tf.tidy(() => {
      const channels = shape.at(-1)!;
      const [x, dz] = [2, 3].map((seed) => tf.tensor(values(tf.util.sizeFromShape(shape), seed), shape));
      const [scale, offset] = [5, 7].map((seed) => tf.tensor1d(values(channels, seed)));
      const epsilon = tf.scalar(1e-3);
      const name = together ? relu : '';
      const forward = [x, scale, offset, epsilon];
      const [y, mean, variance] = native.executeMultipleOutputs(`EspalierBatchNorm${name}`, [], forward, 3);
      const z = together ? y : native.executeSingleOutput(relu, type, [y]);
      const dy = together ? dz : native.executeSingleOutput(`${relu}Grad`, type, [dz, y]);
      const back = [dy, x, scale, offset, mean, variance, epsilon];
      return bits([
        z,
        mean,
        variance,
        ...native.executeMultipleOutputs(`EspalierBatchNormGrad${name}`, [], back, 3),
      ]);
    });
  }

  it.each([
    ['Relu', [3, 7, 5, 19]],
    ['Relu6', [3, 7, 5, 19]],
    ['Relu6', [700, 1]],
    ['Relu', [33, 600]],
  ])(
    'is to the bit what both are, one after the other, with any number of threads: %s of %j',
    (relu, shape) => {
      const runs = ['1', '2', '5'].flatMap((threads) => {
        vi.stubEnv('TF_NUM_INTRAOP_THREADS', threads);
        return [pass(relu, shape, false), pass(relu, shape, true)];
      });
      for (const run of runs) expect(run).toEqual(runs[0]);
    },
  );

  it.each([
    ['EspalierAdam', 3, [0.01, 0.9, 0.99, 1e-7]],
    ['EspalierMomentum', 2, [0.01, 0.9, 1]],
    ['EspalierDescent', 1, [0.01]],
  ] as const)(
    'an update by a sum or behind a mask is to the bit that by what Add and EspalierMask make: %s',
    (op, kept, numbers) => {
      const native = nativeBackend();
      const type = [attributes(native.binding).type('T', 'float32')];
      const n = 70_001; // Shared out among threads, and not in whole blocks.
      const run = (count: number, masked: boolean, together: boolean): string[] =>
        tf.tidy(() => {
          const state = [2, 3, 5].slice(0, kept).map((seed) => tf.abs(tf.tensor1d(values(n, seed))));
          const gradients = [7, 11].slice(0, count).map((seed) => tf.tensor1d(values(n, seed)));
          const mask = tf.cast(tf.greater(tf.tensor1d(values(n, 13)), 0), 'bool');
          const sum = count > 1 && !together ? native.executeSingleOutput('Add', type, gradients) : undefined;
          const whole = sum ? [sum] : gradients;
          const given =
            masked && !together ? [native.executeSingleOutput('EspalierMask', [], [whole[0], mask])] : whole;
          const name = together ? `${op}${count > 1 ? 'OfSum' : ''}${masked ? 'Masked' : ''}` : op;
          const inputs = [...state, ...numbers.map((x) => tf.scalar(x)), ...given];
          return bits(
            native.executeMultipleOutputs(name, [], masked && together ? [...inputs, mask] : inputs, kept),
          );
        });
      for (const [count, masked] of [
        [2, false],
        [1, true],
        [2, true],
      ] as const) {
        const apart = run(count, masked, false);
        for (const threads of ['1', '3']) {
          vi.stubEnv('TF_NUM_INTRAOP_THREADS', threads);
          expect(run(count, masked, true)).toEqual(apart);
        }
      }
      expect(run(1, true, true)).not.toEqual(run(1, false, true));
    },
  );

  it('is what a replayed step runs, to the same weights', () => {
    const train = (recorded: boolean): { weights: string[]; ops: string[]; replayed: number } => {
      const { binding } = nativeBackend();
      const spy = vi.spyOn(binding, 'createProgram');
      const layer = (): tfl.layers.Layer => tfl.layers.batchNormalization({ momentum: 0.5 });
      const dense = (seed: number): tfl.layers.Layer =>
        tfl.layers.dense({
          units: 6,
          kernelInitializer: tfl.initializers.glorotUniform({ seed }),
          inputShape: [5],
        });
      const layers = [
        dense(1),
        layer(),
        tfl.layers.reLU(),
        dense(2),
        layer(),
        tfl.layers.reLU({ maxValue: 6 }),
      ];
      const model = tfl.sequential({ layers });
      const weights = model.trainableWeights.map((w) => w.read() as tf.Variable);
      const optimizer = backend.optimizers!.sgd([{ name: 'all', variables: weights, learningRate: 0.1 }]);
      const recording = recorded ? backend.recorder!.start() : undefined;
      const x = tf.tensor2d(values(60, 4), [12, 5]);
      const step = (): undefined =>
        void tf.tidy(() => {
          const { grads } = tf.variableGrads(
            () => tf.mean(tf.square(tf.sub(model.apply(x, { training: true }) as tf.Tensor, 1))) as tf.Scalar,
            weights,
          );
          optimizer.step(grads);
        });
      for (let i = 0; i < 7; i++) {
        if (recording) recording.take([x], step);
        else step();
      }
      const all = bits(model.weights.map((w) => w.read()));
      const ops = spy.mock.calls.flatMap(([{ calls }]) => calls.map(({ op }) => op));
      spy.mockRestore();
      const replayed = recording?.replayed ?? 0;
      recording?.dispose();
      optimizer.dispose();
      model.dispose();
      x.dispose();
      return { weights: all, ops, replayed };
    };
    const recorded = train(true);
    expect(recorded.replayed).toBeGreaterThan(2);
    for (const op of ['EspalierBatchNorm', 'EspalierBatchNormGrad'])
      expect(recorded.ops).toEqual(expect.arrayContaining([`${op}Relu`, `${op}Relu6`]));
    expect(recorded.ops).not.toContain('Relu');
    expect(recorded.weights).toEqual(train(false).weights);
  });
});
