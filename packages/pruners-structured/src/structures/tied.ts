import { EspalierError, type Of, type Parameter, type RunState } from '@espalier/core';
import { type DependencyGroup, groupsOf, type Part, type RefusedGroup } from '../dependency-groups.js';
import { follow } from '../graph/follow.js';
import type { Trace } from '../graph/trace.js';
import { type Slice, sliceOf } from './slice.js';
import type { Structures } from './structures.js';

/** Tied structures of a run, and the trace they were found with. */
export interface Tied {
  readonly sets: readonly Structures[];
  readonly trace: Trace;
  /** Unit of each class of atoms within its group. */
  place(atom: number): { readonly group: DependencyGroup; readonly unit: number } | undefined;
}

/** Which parts of a group a parameter must have in it, so that naming the parameter names the group. */
const partsOf: Readonly<Record<'filters' | 'channels', readonly Part[]>> = {
  filters: ['produces', 'carries'],
  channels: ['reads', 'carries'],
};

/**
 * The dependency groups of the parameters, whose outputs (`'filters'`) or inputs (`'channels'`) are the units.
 *
 * @param refused - Leave parameters out whose groups cannot be pruned, or throw.
 * @throws EspalierError `refused`
 */
export function tiedStructures(
  owner: string,
  run: RunState,
  of: Of,
  kind: 'filters' | 'channels',
  refused: 'error' | 'skip',
): Tied {
  const trace = follow(run.model, run.parameters);
  const { found, places } = groupsOf(trace);
  const scored = new Map<DependencyGroup, Slice[]>();
  const problems: string[] = [];
  for (const parameter of of) {
    const mine = (group: DependencyGroup): Slice[] =>
      group.members
        .filter((m) => m.parameter === parameter && partsOf[kind].includes(m.part))
        .map((m) => sliceOf(parameter, m.axis, m.units));
    let any = false;
    for (const group of found.groups) {
      const slices = mine(group);
      if (slices.length === 0) continue;
      any = true;
      scored.set(group, [...(scored.get(group) ?? []), ...slices]);
    }
    if (any) continue;
    const group = found.refused.find((g) => mine(g).length > 0);
    problems.push(whyNot(parameter, kind, group));
  }
  for (const [group] of scored) {
    const frozen = group.members.find((m) => !m.parameter.trainable && m.parameter.role !== 'statistic');
    if (frozen === undefined) continue;
    problems.push(`${group.name}: ${frozen.parameter.name}, which is tied to it, is frozen`);
    scored.delete(group);
  }
  if (problems.length > 0 && (refused === 'error' || scored.size === 0)) {
    throw new EspalierError('refused', `${owner} cannot prune ${problems.join('; ')}.`, {
      remedy:
        "Leave them out of the schedule (parameters: ['**/kernel', '!logits/kernel']), or skip them with refused: 'skip'.",
    });
  }
  const sets = [...scored].map(([group, slices]) => ({
    name: group.name,
    size: group.size,
    scored: slices,
    masked: group.members
      .filter(({ parameter }) => parameter.role !== 'statistic')
      .map((m) => sliceOf(m.parameter, m.axis, m.units)),
    group,
  }));
  return { sets, trace, place: (atom) => places.get(trace.atoms.find(atom)) };
}

function whyNot(parameter: Parameter, kind: string, group: RefusedGroup | undefined): string {
  if (group !== undefined) return `the ${kind} of ${parameter.name}: ${group.reason}`;
  return `${parameter.name}: it has no ${kind}`;
}
