import '@tensorflow/tfjs-backend-cpu';
import type { Plugin } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import { test } from 'vitest';
import {
  bernoulliDrop,
  randomLevelDrop,
  structuredAgp,
  structuredLevel,
  structuredThreshold,
  thin,
} from '../src/index.js';

const schedule = { parameters: ['conv/kernel', 'hidden/kernel'] };
const filters = { structure: 'filters' } as const;

test.each<[string, Plugin, (options: never) => Plugin]>([
  ['structuredLevel', structuredLevel({ ...filters, sparsity: 0.5 }), structuredLevel],
  ['at random', structuredLevel({ ...filters, sparsity: 0.5, criterion: 'random' }), structuredLevel],
  ['by activations', structuredAgp({ ...filters, final: 0.5, criterion: 'apoz', batches: 2 }), structuredAgp],
  ['by gradients', structuredAgp({ ...filters, final: 0.5, criterion: 'taylor' }), structuredAgp],
  ['with reconstruction', structuredAgp({ ...filters, final: 0.5, reconstruct: true }), structuredAgp],
  ['structuredThreshold', structuredThreshold({ ...filters, threshold: 0.2 }), structuredThreshold],
  ['bernoulliDrop', bernoulliDrop({ ...filters, rate: 0.3 }), bernoulliDrop],
  ['randomLevelDrop', randomLevelDrop({ ...filters, low: 0.2, high: 0.4 }), randomLevelDrop],
])('%s is as plugins are', async (_, plugin, factory) => {
  await conformance(plugin, { factory, schedule });
});

test('thin is as plugins are', async () => {
  await conformance(thin(), {
    factory: thin,
    prepare: (run) => run.prune(structuredLevel({ ...filters, sparsity: 0.5 }), schedule.parameters),
  });
});
