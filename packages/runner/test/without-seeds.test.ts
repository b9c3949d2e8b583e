import * as tfl from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { withoutSeeds } from '../src/pipeline/without-seeds.js';
import '@tensorflow/tfjs-backend-cpu';

it('drops the seeds of initializers alone, wherever they are, and leaves what is given', () => {
  const { glorotUniform, zeros } = tfl.initializers;
  const seeded = (seed: number) => ({ kernelInitializer: glorotUniform({ seed }), biasInitializer: zeros() });
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ units: 3, inputShape: [4, 2], ...seeded(1234567) }),
      tfl.layers.dropout({ rate: 0.5, seed: 77 }),
      tfl.layers.timeDistributed({ layer: tfl.layers.dense({ units: 2, ...seeded(7654321) }) }),
    ],
  });
  const given: unknown = JSON.parse(JSON.stringify(model.toJSON(null, false)));
  const before = JSON.stringify(given);
  const text = JSON.stringify(withoutSeeds(given));
  expect(before).toMatch(/1234567.*7654321/);
  expect(text).not.toMatch(/1234567|7654321/);
  expect(text).toContain('"seed":77');
  expect(text).toBe(before.replace(/"seed":(1234567|7654321)/g, '"seed":null'));
  expect(JSON.stringify(given)).toBe(before);
  expect(withoutSeeds({ kernel_initializer: null, bias_initializer: 'zeros' })).toEqual({
    kernel_initializer: null,
    bias_initializer: 'zeros',
  });
});
