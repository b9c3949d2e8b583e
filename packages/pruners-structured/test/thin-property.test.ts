import '@tensorflow/tfjs-backend-cpu';
import { hash } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { type DependencyGroup, dependencyGroups, type GroupMember, thinModel } from '../src/index.js';
import { type Draw, difference, drawer, randomInputs, randomModel } from './random-model.js';

/** Zeroes the slices of some units in a member of a group. */
function clear({ parameter, axis, units }: GroupMember, gone: ReadonlySet<number>): void {
  tf.tidy(() => {
    const { shape, variable } = parameter;
    const along = Float32Array.from(units, (unit) => (gone.has(unit) ? 0 : 1));
    const mask = tf.reshape(
      tf.tensor1d(along),
      shape.map((n, i) => (i === axis ? n : 1)),
    );
    variable.assign(tf.mul(variable, mask));
  });
}

/** Ways to prune some units of a group. */
const ways: Readonly<Record<string, (member: GroupMember) => boolean>> = {
  whole: ({ parameter }) => parameter.role !== 'statistic',
  // The bias stays: the unit is a constant that has to be folded.
  weights: ({ part, parameter }) =>
    part !== 'reads' &&
    parameter.role !== 'bias' &&
    !['statistic', 'scale', 'offset'].includes(parameter.role),
  producers: ({ part, parameter }) => part !== 'reads' && parameter.role !== 'statistic',
  readers: ({ part }) => part === 'reads',
  scales: ({ parameter }) => parameter.role === 'scale',
};

function prune(group: DependencyGroup, draw: Draw): { way: string; gone: ReadonlySet<number> } {
  const way = draw.of(Object.keys(ways));
  const share = draw.of([0.3, 0.6, 1]);
  const gone = new Set(Array.from({ length: group.size }, (_, i) => i).filter(() => draw.chance(share)));
  for (const member of group.members) if (ways[way](member)) clear(member, gone);
  return { way, gone };
}

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
  console.log(worst, sums, Object.fromEntries(kinds));
  expect(worst).toBeLessThanOrEqual(1e-5);
});
