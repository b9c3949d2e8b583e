import {
  EspalierError,
  type KnownPenalty,
  type Moment,
  type Of,
  type Parameter,
  type PerParameter,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type GroupSet, groupNorms, groupSets, type PenalisedStructureOptions } from '../structure.js';
import { knownPenalty } from './known.js';
import { strengthsOf } from './strength.js';

/** A function of the norms of groups, and its derivatives. */
export interface OfNorms {
  readonly value: tf.Tensor;
  /** d value / d norm, `[groups]`. */
  readonly slopes: tf.Tensor;
}

/** What is added to the loss for one set of groups, at a strength. */
export type Term = (norms: tf.Tensor1D, strength: number, set: GroupSet) => OfNorms;

/**
 * A penalty on the L2 norms of groups: a function of the moment of a step. The gradient of a norm, w / ‖w_g‖, is taken
 * to be 0 where a group is 0 (a subgradient), so that pruned groups do no harm.
 *
 * @throws EspalierError `unknown-name`, `invalid-option`
 */
export function normPenalty(
  owner: string,
  options: PenalisedStructureOptions & { readonly strength: PerParameter<number> },
  of: Of,
  term: Term,
): (at?: Moment) => KnownPenalty {
  const sets = groupSets(owner, of, options);
  const strengths = strengthsOf(owner, options.strength, of);
  for (const set of sets) common(owner, set, strengths());
  const members = sets.flatMap((set) => set.members);
  return (at) => {
    const now = strengths(at);
    return knownPenalty(
      members.map(({ parameter }) => parameter),
      () => {
        const all = sets.map((set) => {
          const norms = groupNorms(set);
          const { value, slopes } = term(norms, common(owner, set, now), set);
          const factors = tf.divNoNan(slopes, norms);
          return {
            value,
            gradients: set.members.map(({ parameter, view }) => view.scale(parameter.variable, factors)),
          };
        });
        return { terms: all.map(({ value }) => value), gradients: all.flatMap(({ gradients }) => gradients) };
      },
    );
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
