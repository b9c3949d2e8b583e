import { EspalierError, type Of, type Parameter } from '@espalier/core';
import { type GroupOptions, type GroupSet, groupSets } from '../groups.js';
import { type Strength, strengths } from './strength.js';

/** A set of groups and the strength on it. */
export interface WeightedSet extends GroupSet {
  readonly strength: number;
}

/** A function that tells the group sets of a selection and their strengths, worked out once per selection. */
export function weightedSets(
  owner: string,
  options: GroupOptions & { readonly strength: Strength },
): (of: Of) => readonly WeightedSet[] {
  const strengthOf = strengths(owner, options.strength);
  const known = new WeakMap<Of, readonly WeightedSet[]>();
  return (of) => {
    const ready = known.get(of);
    if (ready !== undefined) return ready;
    const found = strengthOf(of);
    const sets = groupSets(owner, of, options).map((set) => ({
      ...set,
      strength: common(owner, set, found),
    }));
    known.set(of, sets);
    return sets;
  };
}

function common(owner: string, { members }: GroupSet, found: ReadonlyMap<Parameter, number>): number {
  const [first] = members;
  const strength = found.get(first.parameter)!;
  const other = members.find(({ parameter }) => found.get(parameter) !== strength);
  if (other === undefined) return strength;
  throw new EspalierError(
    'invalid-option',
    `${owner}: ${first.parameter.name} and ${other.parameter.name} share groups but differ in strength.`,
    { remedy: 'Give the tensors of a layer one strength.' },
  );
}
