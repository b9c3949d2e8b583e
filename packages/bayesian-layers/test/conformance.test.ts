import '@tensorflow/tfjs-backend-cpu';
import type { Run } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { groupHorseshoe, groupNormalJeffreys } from '../src/index.js';

describe('the group priors are as plugins are', () => {
  it.each([
    [
      'groupNormalJeffreys',
      groupNormalJeffreys({ pruneFrom: 0.5, threshold: -3, single: 1 }),
      groupNormalJeffreys,
    ],
    [
      'groupHorseshoe',
      groupHorseshoe({ pruneFrom: 0.5, threshold: 6, structure: 'outputs' }),
      groupHorseshoe,
    ],
  ] as const)('%s', async (_, plugin, factory) => {
    const tried = await conformance(plugin, { factory });
    expect(tried.length).toBeGreaterThan(8);
  });

  it('their quantizer', async () => {
    const { quantizer } = groupNormalJeffreys();
    const prepare = (run: Run): void => {
      for (const kernel of run.select()) run.setVariance(kernel, tf.fill([...kernel.shape], 1e-3));
    };
    expect((await conformance(quantizer, { prepare })).length).toBeGreaterThan(8);
  });
});
