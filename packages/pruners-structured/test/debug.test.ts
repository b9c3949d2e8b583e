import '@tensorflow/tfjs-backend-cpu';
import { hash } from '@espalier/core';
import { test } from 'vitest';
import { dependencyGroups, thinModel } from '../src/index.js';
import { prune } from './prune-groups.js';
import { difference, drawer, randomInputs, randomModel } from './random-model.js';

test('x', async () => {
  const seed = Number(process.env.SEED);
  const { model } = randomModel(seed);
  model.summary(110);
  console.log(
    model.layers
      .map((l) =>
        JSON.stringify([
          l.name,
          l.getClassName(),
          l.getConfig().activation,
          l.getConfig().padding,
          l.getConfig().useBias,
          l.getConfig().mergeMode,
        ]),
      )
      .join('\n'),
  );
  const draw = drawer(hash(seed, 99));
  const { groups } = dependencyGroups(model);
  const inputs = randomInputs(model, 3, seed);
  for (const group of groups.filter(() => draw.chance(0.7))) {
    const { way, gone } = prune(group, draw);
    const { model: small, report } = await thinModel(model);
    console.log(
      group.name,
      group.size,
      way,
      [...gone],
      difference(model, small, inputs),
      JSON.stringify(report),
    );
  }
});
