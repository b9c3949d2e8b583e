import '@tensorflow/tfjs-backend-cpu';
import type { Plugin } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { agp, baiduRnn, level, magnitude, nm, random, sensitivity, splicing } from '../src/index.js';

const steps = { every: { steps: 2 } };

describe('every pruner is as plugins are', () => {
  test.each<[string, Plugin, (options: never) => Plugin, object?]>([
    ['agp', agp({ final: 0.8 }), agp],
    ['agp, globally, by blocks', agp({ final: 0.6, scope: 'global', block: [2, 2], criterion: 'lamp' }), agp],
    ['baiduRnn', baiduRnn({ q: 0.2 }), baiduRnn, steps],
    ['baiduRnn by quantile', baiduRnn({ quantile: 0.7 }), baiduRnn, steps],
    ['level', level({ sparsity: 0.5, criterion: (p) => tf.abs(p.variable) }), level],
    ['magnitude', magnitude({ threshold: 0.1 }), magnitude],
    ['nm', nm({ n: 1, m: 2 }), nm],
    ['random', random({ sparsity: 0.5 }), random],
    ['sensitivity', sensitivity({ sensitivity: 0.5 }), sensitivity, steps],
    ['sensitivity, always', sensitivity({ sensitivity: 0.5, measure: 'always' }), sensitivity],
    ['splicing', splicing({ sensitivity: 0.2, growth: 0.1 }), splicing, steps],
  ])('%s', async (_, plugin, factory, schedule = {}) => {
    expect((await conformance(plugin, { factory, schedule })).length).toBeGreaterThan(8);
  });
});
