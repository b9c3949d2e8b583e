import { Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../../backend/src/index.js';
import { hasNative } from '../../backend/test/native.js';
import { hasWebgpu } from '../../backend/test/software-gpu.js';
import { hasKernel } from '../src/internal/kernels.js';
import { numbersOf, posteriorOver, relative } from './models.js';

const names = ['Posterior', 'Jeffreys', 'Horseshoe', 'Gaussian'];

describe.each([
  { prefer: 'native', tfjsName: 'tensorflow', has: hasNative },
  { prefer: 'webgpu', tfjsName: 'webgpu', has: hasWebgpu },
] as const)('the posterior’s kernels on $prefer', ({ prefer, tfjsName, has }) => {
  let ours: tf.KernelConfig[] = [];
  beforeAll(async () => {
    if (!has) return;
    await startBackend({ prefer });
    ours = tf
      .getKernelsForBackend(tfjsName)
      .filter(({ kernelName }) => names.some((name) => kernelName.startsWith(`Espalier${name}`)));
  }, 120_000);
  const without = async <T>(work: () => Promise<T>): Promise<T> => {
    for (const { kernelName, backendName } of ours) tf.unregisterKernel(kernelName, backendName);
    const result = await work();
    for (const kernel of ours) tf.registerKernel(kernel);
    return result;
  };
  afterAll(() => expect(hasKernel('EspalierPosteriorSums') || !has).toBe(true));

  it.runIf(has).each([
    ['groupNormalJeffreys', {}, false],
    ['groupNormalJeffreys', {}, true],
    ['groupNormalJeffreys', { maxDeviation: 0.03 }, true],
    ['groupHorseshoe', {}, false],
    ['groupHorseshoe', { maxDeviation: 0.03 }, true],
    ['groupHorseshoe', { structure: 'outputs' }, true],
  ] as const)(
    '%s %j, masked %s: value and gradients of TF.js’s ops',
    { timeout: 120_000 },
    async (owner, options, masked) => {
      const dense = tfl.layers.dense({ units: 37, inputShape: [20] });
      const run = new Run(tfl.sequential({ layers: [dense] }), { seed: 1 });
      const [kernel, bias] = run.parameters;
      tf.tidy(() => bias.variable.assign(tf.randomNormal([37], 0, 0.3, 'float32', 3)));
      const layer = await posteriorOver(run, owner, options);
      tf.tidy(() => {
        for (const [i, v] of Object.values(layer.variables).entries()) {
          if (v.size > 4)
            v.assign(tf.add(v, tf.randomNormal(v.shape, 0, 0.3, 'float32', 11 + i)) as tf.Tensor);
        }
      });
      if (masked) {
        const mask = (shape: number[], seed: number): tf.Tensor =>
          tf.tidy(() => tf.cast(tf.greater(tf.randomUniform(shape, 0, 1, 'float32', seed), 0.3), 'float32'));
        run.setMask(kernel, mask([20, 37], 5));
        run.setMask(bias, mask([37], 6));
        layer.dropped[3] = 1;
      }
      const variables = [kernel.variable, bias.variable, ...Object.values(layer.variables)];
      const gradients = () => numbersOf(() => layer.kl(run, 0.6), variables);
      const fast = await gradients();
      const plain = await without(gradients);
      expect(fast.value / plain.value).toBeCloseTo(1, 5);
      for (const [i, gradient] of fast.grads.entries()) {
        expect(relative(gradient, plain.grads[i]), String(i)).toBeLessThan(5e-4); // those of the layer cancel
      }
      layer.dispose();
      run.dispose();
    },
  );
});
