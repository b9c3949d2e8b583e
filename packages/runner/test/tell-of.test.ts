import '@tensorflow/tfjs-backend-cpu';
import { Run } from '@espalier/core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { silent } from '../src/pipeline/listener.js';
import { tellStatistics } from '../src/pipeline/tell-of.js';
import type { Stage } from '../src/recipe/schema.js';

const told = (momentum: number, stages: readonly Stage[], trainable = true): string[] => {
  const { dense, batchNormalization } = tfl.layers;
  const run = new Run(
    tfl.sequential({
      layers: [
        dense({ name: 'fc', units: 2, inputShape: [3] }),
        batchNormalization({ name: 'norm_1', momentum, trainable }),
        batchNormalization({ name: 'norm_2', momentum, trainable }),
      ],
    }),
  );
  const lines: string[] = [];
  tellStatistics(run, stages, () => 9, { ...silent, warn: (line) => void lines.push(line) });
  run.dispose();
  return lines;
};

test('statistics that a stage is too short for are told of, once', () => {
  const stages = [
    { name: 'dense', epochs: 7 },
    { name: 'tune', epochs: 2 },
  ];
  // 0.999^63 = 0.94 of what they were is left, 0.99^63 = 0.53, 0.98^63 = 0.28.
  expect(told(0.999, stages)).toHaveLength(1);
  expect(told(0.999, stages)[0]).toMatch(
    /^norm_1 and 1 more layers forget slowly \(momentum 0\.999\), and stage 'dense' has 63 steps/,
  );
  expect(told(0.99, stages)[0]).toMatch(/'dense'/);
  expect(told(0.98, stages)[0]).toMatch(/'tune' has 18 steps/);
  expect(told(0.98, stages.slice(0, 1))).toEqual([]);
});

test('not of those that are frozen, or that nobody trains', () => {
  const stages = (freeze: string) => [{ name: 'dense', epochs: 7, freeze }];
  expect(told(0.999, stages('norm_*'))).toEqual([]);
  expect(told(0.999, stages('norm_1'))[0]).toMatch(/^norm_2 forgets/);
  expect(told(0.999, [{ name: 'dense', epochs: 7 }], false)).toEqual([]);
  expect(told(0.999, [{ name: 'share', use: 'quantize-kmeans#kmeans' }])).toEqual([]);
});
