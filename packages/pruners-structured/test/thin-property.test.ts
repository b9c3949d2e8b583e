import '@tensorflow/tfjs-backend-cpu';
import { hash } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { dependencyGroups, thinModel } from '../src/index.js';
import { prune } from './prune-groups.js';
import { difference, drawer, randomInputs, randomModel } from './random-model.js';

/** More with MODELS=5000. */
const count = Number(process.env.MODELS ?? 240);

test(`thinned and masked agree on ${count} random models`, { timeout: 1_200_000 }, async () => {
  const kinds = new Map<string, number>();
  const sums = { removed: 0, folded: 0, stuck: 0, thinner: 0 };
  let worst = 0;
  for (let seed = 0; seed < count; seed++) {
    const { model, used } = randomModel(seed);
    for (const [kind, n] of used) kinds.set(kind, (kinds.get(kind) ?? 0) + n);
    const draw = drawer(hash(seed, 99));
    const { groups } = dependencyGroups(model);
    const pruned = groups.filter(() => draw.chance(0.7)).map((group) => ({ group, ...prune(group, draw) }));
    const { model: small, report } = await thinModel(model);
    const inputs = randomInputs(model, 3, seed);
    const error = difference(model, small, inputs);
    worst = Math.max(worst, error);
    if (!(error <= 1e-5)) throw new Error(`seed ${seed}: outputs differ by ${error}`);
    // What was pruned whole, or is read by nobody, is gone: all but one unit where all were to go.
    for (const { group, way, gone } of pruned) {
      if (way !== 'whole' && way !== 'readers') continue;
      const after = report.groups.find(({ name }) => name === group.name)?.after ?? group.size;
      if (after > Math.max(1, group.size - gone.size)) {
        throw new Error(
          `seed ${seed}: ${group.name} has ${after} of ${group.size} units, ${gone.size} pruned`,
        );
      }
    }
    for (const { before, after } of report.groups) sums.removed += before - after;
    sums.folded += report.folded.length;
    sums.stuck += report.stuck.length;
    sums.thinner += report.parameters.after < report.parameters.before ? 1 : 0;
    tf.dispose(inputs);
    model.dispose();
    small.dispose();
  }
  // The test is of something: much was removed, constants were folded, some had nowhere to go.
  expect(sums.thinner).toBeGreaterThan(count / 2);
  expect(sums.removed).toBeGreaterThan(4 * count);
  expect(sums.folded).toBeGreaterThan(count / 4);
  expect(sums.stuck).toBeGreaterThan(0);
  expect(kinds.size).toBeGreaterThan(35);
  expect(worst).toBeLessThanOrEqual(1e-5);
});
