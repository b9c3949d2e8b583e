import '@tensorflow/tfjs-backend-cpu';
import { hash, once, Run, type Running } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GroupPriorOptions, type GroupSession, groupNormalJeffreys } from '../src/index.js';
import { stream } from '../src/internal/normal.js';
import { cpuKernels } from './cpu-kernels.js';
import { close, write } from './known-posterior.js';

const kernels = cpuKernels((shape, seed) =>
  tf.randomNormal(shape, 0, 1, 'float32', hash(...seed.dataSync())),
);

/** A layer's posterior: every weight and bias as told, and scales that hardly vary. */
async function drawing(
  layer: tfl.layers.Layer,
  options: GroupPriorOptions,
  { mean, bias, variance }: { mean: number; bias: number; variance: number },
): Promise<{ run: Run; session: GroupSession }> {
  const run = new Run(tfl.sequential({ layers: [layer] }), { seed: 1 });
  const running = (await run.start(
    groupNormalJeffreys({ frames: false, ...options }),
  )) as Running<GroupSession>;
  const fill = (v: tf.Variable, value: number): void => write(v, Array(v.size).fill(value));
  for (const { role, variable } of run.parameters) fill(variable, role === 'bias' ? bias : mean);
  for (const { name, variables } of running.session.trainables!())
    for (const v of variables) fill(v, name.endsWith('scales') ? -20 : Math.log(variance));
  return { run, session: running.session };
}

const output = (run: Run, x: tf.Tensor, training: boolean): tf.Tensor =>
  run.model.layers[0].apply(x, { training } as never) as tf.Tensor;

/** Mean and variance of all outputs that are drawn for inputs of 1. */
function moments({ run, session }: { run: Run; session: GroupSession }, batch: number): number[] {
  return tf.tidy(() => {
    const x = tf.ones([batch, ...(run.model.inputs[0].shape.slice(1) as number[])]);
    const { mean, variance } = tf.moments(session.forward(once(), () => output(run, x, true)));
    return [mean.dataSync()[0], variance.dataSync()[0]];
  });
}

describe.each([false, true])('drawing, with kernels of the backend %s', (native) => {
  if (native) {
    beforeAll(kernels.register);
    afterAll(kernels.unregister);
  }

  // An output is the sum of so many weights of mean 0.5, and of the bias.
  it.each([
    ['dense', tfl.layers.dense({ units: 2, inputShape: [3] }), 3],
    ['dense over time', tfl.layers.dense({ units: 2, inputShape: [4, 3] }), 3],
    ['conv1d', tfl.layers.conv1d({ filters: 2, kernelSize: 2, inputShape: [5, 3] }), 6],
    ['conv2d', tfl.layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [3, 3, 2] }), 8],
  ] as const)(
    '%s with groups on inputs has the mean and the variance of its weights',
    async (name, layer, n) => {
      const made = await drawing(layer, { structure: 'inputs' }, { mean: 0.5, bias: 2, variance: 0.1 });
      kernels.called.length = 0;
      const [mean, variance] = moments(made, 8000);
      expect(mean).toBeCloseTo(0.5 * n + 2, 1);
      expect(variance / (0.1 * (n + 1))).toBeCloseTo(1, 1);
      expect(kernels.called.includes('EspalierScaleNoise')).toBe(native && name === 'dense');
    },
  );

  it('is by the seed and the step, and another at every one', async () => {
    const layer = tfl.layers.dense({ units: 3, inputShape: [2] });
    const { run, session } = await drawing(layer, {}, { mean: 1, bias: 0, variance: 1 });
    const x = tf.ones([3, 2]);
    const at = (step: number): number[] => [
      ...session.forward({ ...once(), step }, () => output(run, x, true)).dataSync(),
    ];
    expect(at(1)).toEqual(at(1));
    expect(at(2)).not.toEqual(at(1));
  });
});

describe('a layer that draws', () => {
  const relu = () => tfl.layers.dense({ units: 2, inputShape: [3], activation: 'relu' });

  it('goes through its activation', async () => {
    const made = await drawing(relu(), {}, { mean: -1, bias: 0, variance: 1e-4 });
    expect(moments(made, 100)).toEqual([0, 0]);
  });

  it('draws in training alone', async () => {
    const { run, session } = await drawing(relu(), {}, { mean: 1, bias: 0.5, variance: 1 });
    const x = tf.ones([4, 3]);
    const plain = session.forward(once(), () => output(run, x, false));
    close(plain.dataSync(), Array(8).fill(3.5));
  });

  it('is itself again afterwards, or what another plugin has made of it', async () => {
    const { run, session } = await drawing(relu(), {}, { mean: 1, bias: 0.5, variance: 1 });
    const layer = run.model.layers[0] as unknown as { call: unknown };
    session.forward(once(), () => expect(Object.hasOwn(layer, 'call')).toBe(true));
    expect(Object.hasOwn(layer, 'call')).toBe(false);
    const other = (): tf.Tensor => tf.scalar(7);
    layer.call = other;
    session.forward(once(), () => expect(layer.call).not.toBe(other));
    expect(layer.call).toBe(other);
    expect(() =>
      session.forward(once(), () => {
        throw new Error('of the pass');
      }),
    ).toThrow('of the pass');
    expect(layer.call).toBe(other);
  });
});

describe('noise', () => {
  it('of an even batch has its second half the other way round', () => {
    const draw = stream(1, 2);
    const x = draw([4, 3]).dataSync();
    for (let i = 0; i < 6; i++) expect(x[i + 6]).toBe(-x[i]);
    expect(new Set(x.map(Math.abs)).size).toBe(6);
    expect(draw([3, 2]).shape).toEqual([3, 2]);
    expect(new Set(draw([1, 50]).dataSync()).size).toBe(50);
  });

  it('is another at every draw and by every word of the seed, and the same again', () => {
    const first = (...seed: number[]): string =>
      stream(...seed)([1, 5])
        .dataSync()
        .join();
    expect(first(1, 2)).toBe(first(1, 2));
    expect(new Set([first(1, 2), first(2, 2), first(1, 3), first(1, 2, 0)]).size).toBe(4);
    const draw = stream(1, 2);
    expect(draw([1, 5]).dataSync().join()).not.toBe(draw([1, 5]).dataSync().join());
    const seeds = [draw.seed(), draw.seed(), stream(1, 2).seed()].map((seed) => seed.dataSync().join());
    expect(new Set(seeds).size).toBe(3);
    expect(stream(1, 2).seed().dtype).toBe('int32');
    expect(stream(1, 2).seed().dataSync().join()).toBe(seeds[2]);
  });
});
