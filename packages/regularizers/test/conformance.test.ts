import '@tensorflow/tfjs-backend-cpu';
import type { Plugin } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import { describe, expect, test } from 'vitest';
import { distillation, groupLasso, groupVariance, growing, l1, l2 } from '../src/index.js';

describe('every regularizer is as plugins are', () => {
  test.each<[string, Plugin, (options: never) => Plugin]>([
    ['l1', l1({ strength: 1e-3, threshold: 0.02 }), l1],
    ['l2', l2({ strength: 1e-3 }), l2],
    ['groupLasso', groupLasso({ strength: 1e-3, structure: 'filters', threshold: 0.1 }), groupLasso],
    ['groupVariance', groupVariance({ strength: 1e-3, structure: 'columns' }), groupVariance],
    ['growing', growing({ sparsity: 0.5, strength: 1e-2 }), growing],
    ['distillation', distillation(), distillation],
  ])('%s', async (name, plugin, factory) => {
    const parameters = name === 'groupVariance' ? ['hidden/kernel', 'out/kernel'] : '**/kernel';
    expect((await conformance(plugin, { factory, schedule: { parameters, end: 3 } })).length).toBeGreaterThan(
      8,
    );
  });
});
