import { checkBlock, checkOneOf, EspalierError, type Of, type Parameter, shown } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type View, viewOf } from './internal/view.js';
import { type PenalisedStructure, structures } from './structures.js';

/** Options of everything that works on groups. */
export interface PenalisedStructureOptions {
  /** What is one group. */
  readonly structure: PenalisedStructure;
  /** With `'blocks'`: their sizes along the last dimensions, for example `[4, 4]`. */
  readonly block?: readonly number[];
}

/** Tensors that share groups: one tensor, or for `'units'` those of one layer. */
export interface GroupSet {
  readonly members: readonly { readonly parameter: Parameter; readonly view: View }[];
  /** Number of groups. */
  readonly groups: number;
  /** Elements per group over all members; one number when all are the same. */
  readonly sizes: number | readonly number[];
}

/** @throws EspalierError `invalid-option` */
export function checkStructure(owner: string, { structure, block }: PenalisedStructureOptions): void {
  checkOneOf(owner, 'structure', structure, structures);
  if (block !== undefined) checkBlock(owner, block);
  if ((structure === 'blocks') === (block !== undefined)) return;
  throw new EspalierError(
    'invalid-option',
    `${owner}: structure is '${structure}', block is ${shown(block)}.`,
    { remedy: "Give structure: 'blocks' and block: a list of whole numbers >= 1, or neither." },
  );
}

/** The groups of a selection. @throws EspalierError `invalid-option` */
export function groupSets(
  owner: string,
  of: Of,
  { structure, block }: PenalisedStructureOptions,
): GroupSet[] {
  const together = new Map<string, Parameter[]>();
  for (const parameter of of) {
    const { name } = parameter;
    // `lstm/kernel` and `lstm/recurrent_kernel` share the units of `lstm`; so do those of each stacked cell.
    const key = structure === 'units' ? name.slice(0, name.lastIndexOf('/')) : name;
    together.set(key, [...(together.get(key) ?? []), parameter]);
  }
  return [...together.values()].map((parameters) => {
    const members = parameters.map((parameter) => ({
      parameter,
      view: viewOf(owner, parameter, structure, block),
    }));
    const [first] = members;
    const other = members.find(({ view }) => view.groups !== first.view.groups);
    if (other !== undefined) {
      throw new EspalierError(
        'invalid-option',
        `${owner}: ${first.parameter.name} has ${first.view.groups} units but ${other.parameter.name} has ${other.view.groups}.`,
        { remedy: 'Select tensors of that layer with the same number of units.' },
      );
    }
    return { members, groups: first.view.groups, sizes: totalSizes(members.map(({ view }) => view)) };
  });
}

function totalSizes(views: readonly View[]): GroupSet['sizes'] {
  if (views.length === 1) return views[0].sizes;
  return views.reduce((sum, { sizes }) => sum + (sizes as number), 0); // only blocks have unequal sizes
}

/** L2 norm of each group, `[groups]`, of the members' variables. */
export function groupNorms({ members }: GroupSet): tf.Tensor1D {
  return tf.tidy(() => {
    const squares = members.map(({ parameter, view }) => view.reduce(tf.square(parameter.variable)));
    return tf.sqrt(squares.reduce((a, b) => tf.add(a, b)));
  });
}

/** Masks from one number per group (1 keep, 0 prune). The caller owns them. */
export function groupMasks({ members }: GroupSet, kept: tf.Tensor): Map<Parameter, tf.Tensor> {
  return new Map(
    members.map(({ parameter, view }) => [
      parameter,
      tf.tidy(() => view.scale(tf.ones(parameter.shape as number[]), kept)),
    ]),
  );
}

/** Mean (or maximal) absolute value of each group, `[groups]`. */
export function groupMagnitudes({ members, sizes }: GroupSet, by: 'meanAbs' | 'max'): tf.Tensor1D {
  return tf.tidy(() => {
    const own = members.map(({ parameter, view }) =>
      view.reduce(tf.abs(parameter.variable), by === 'max' ? 'max' : 'sum'),
    );
    if (by === 'max') return own.reduce((a, b) => tf.maximum(a, b));
    const sum = own.reduce((a, b) => tf.add(a, b));
    return tf.div(sum, typeof sizes === 'number' ? sizes : tf.tensor1d([...sizes])) as tf.Tensor1D;
  });
}
