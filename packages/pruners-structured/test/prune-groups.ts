import * as tf from '@tensorflow/tfjs-core';
import type { DependencyGroup, GroupMember } from '../src/index.js';
import type { Draw } from './random-model.js';

/** Zeroes the slices of some units in a member of a group. */
export function clear({ parameter, axis, units }: GroupMember, gone: ReadonlySet<number>): void {
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

export function prune(group: DependencyGroup, draw: Draw): { way: string; gone: ReadonlySet<number> } {
  const way = draw.of(Object.keys(ways));
  const share = draw.of([0.3, 0.6, 1]);
  const gone = new Set(Array.from({ length: group.size }, (_, i) => i).filter(() => draw.chance(share)));
  for (const member of group.members) if (ways[way](member)) clear(member, gone);
  return { way, gone };
}
