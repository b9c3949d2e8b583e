import '@tensorflow/tfjs-backend-cpu';
import type { Plugin } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import { test } from 'vitest';
import { kmeans, rateDistortion, uniform } from '../src/index.js';

test.each<[string, Plugin, (options: never) => Plugin]>([
  ['kmeans', kmeans({ clusters: 4 }), kmeans],
  ['kmeans by gradients', kmeans({ clusters: 4, importance: 'fisher', scope: 'global' }), kmeans],
  ['uniform', uniform({ bits: 4 }), uniform],
  ['rateDistortion', rateDistortion({ lambda: 1e-3 }), rateDistortion],
])('%s is as plugins are', async (_, plugin, factory) => {
  await conformance(plugin, { factory });
});
