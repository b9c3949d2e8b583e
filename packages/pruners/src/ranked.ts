import {
  type Blocks,
  blocksOf,
  checkBlock,
  checkOneOf,
  checkRange,
  EspalierError,
  type Moment,
  type Of,
  once,
  type Parameter,
  type Pruner,
  readNow,
  roundHalfEven,
  type Selector,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkCriterion, type ElementCriterion, scoresOf } from './criterion.js';
import { blockScores, spread } from './internal/blocks.js';
import { commonSparsity, partition } from './internal/groups.js';
import { type Seen, see } from './internal/seen.js';
import { pruneDownTo } from './internal/select.js';

/** Which tensors are ranked together. */
export type Scope = 'tensor' | 'group' | 'global';

/** What pruners that rank weights have in common: criterion, scope and pattern. */
export interface RankingOptions {
  /** Criterion. Default `'magnitude'`. */
  readonly criterion?: ElementCriterion;
  /**
   * `'tensor'` (default): the sparsity holds in each tensor. `'global'`: over all tensors of the schedule
   * together. `'group'`: over those of each entry of `groups`.
   */
  readonly scope?: Scope;
  /** With scope `'group'`: selectors, one per group. Together they name every parameter, none twice. */
  readonly groups?: readonly Selector[];
  /**
   * With scope `'group'` or `'global'`: what at least stays of each tensor, as a fraction (below 1) or a
   * count; 0 is no floor. Default 1 weight (or block), none at sparsity 1. A sparsity that leaves too little for the
   * floors is refused.
   */
  readonly floor?: number;
  /**
   * Prunes blocks instead of single weights: their sizes along the tensor's last dimensions, for example
   * `[1, 8]` or `[4, 4]` for `[in, out]`. A block's score is the mean of its weights' scores.
   */
  readonly block?: readonly number[];
  /** For criterion `'random'`. Default: the run's seed. */
  readonly seed?: number;
  /**
   * `'distiller'`: the count is floor(s·n) and every weight that ties with the last one goes as well.
   * `'torch'`: as torch.nn.utils.prune, the sparsity is that of the weights that are left, and no floor.
   */
  readonly compat?: 'distiller' | 'torch';
}

/** Names of the options, for `checkOptions`. */
export const rankingOptions: readonly string[] = [
  'criterion',
  'scope',
  'groups',
  'floor',
  'block',
  'seed',
  'compat',
];

/** @throws EspalierError `invalid-option` */
export function checkRanking(owner: string, options: RankingOptions): void {
  const { criterion, scope = 'tensor', groups, floor, block, seed, compat } = options;
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}`, { remedy });
  };
  if (criterion !== undefined) checkCriterion(owner, criterion);
  checkOneOf(owner, 'scope', scope, ['tensor', 'group', 'global']);
  if (compat !== undefined) checkOneOf(owner, 'compat', compat, ['distiller', 'torch']);
  if ((scope === 'group') !== (groups !== undefined)) {
    refuse(
      scope === 'group'
        ? "scope is 'group' but there are no groups."
        : `groups are given but scope is '${scope}'.`,
      "Give scope: 'group' and groups: a list of selectors, one per group.",
    );
  }
  if (floor !== undefined) {
    if (scope === 'tensor') refuse("floor has no meaning with scope 'tensor'.", "Add scope: 'global'.");
    checkRange(owner, 'floor', floor, 0, Number.MAX_SAFE_INTEGER);
    if (floor >= 1 && !Number.isInteger(floor)) {
      refuse(`floor is ${floor}.`, 'Give a fraction below 1 or a whole number of weights.');
    }
  }
  if (block !== undefined) checkBlock(owner, block);
  if (seed !== undefined && !Number.isInteger(seed)) refuse(`seed is ${seed}.`, 'Give a whole number.');
  if (
    compat === 'distiller' &&
    (scope !== 'tensor' || block !== undefined || (criterion ?? 'magnitude') !== 'magnitude')
  ) {
    refuse(
      "compat 'distiller' ranks magnitudes tensor by tensor.",
      'Leave out criterion, scope and block, or compat.',
    );
  }
}

/** The units (weights or blocks) of one parameter, ready to be ranked. */
interface Ranked {
  readonly parameter: Parameter;
  readonly scores: Float32Array;
  readonly blocks: Blocks | undefined;
  /** How many are pruned already. */
  readonly gone: number;
}

/** Tensors that are ranked together. */
type Group = readonly Parameter[];

/**
 * A pruner that takes the least important weights up to a sparsity that `sparsities` tells for each moment.
 * What is pruned stays pruned: it ranks lowest, and the count never falls below it.
 */
export function rankedPruner(
  name: string,
  options: RankingOptions,
  sparsities: (of: Of, at: Moment) => ReadonlyMap<Parameter, number>,
): Pruner {
  const { criterion = 'magnitude', block, compat } = options;

  /** The groups, of which all that can be checked before training is. */
  const checked = (of: Of): readonly Group[] => {
    const groups = groupsOf(name, of, options);
    const wanted = sparsities(of, once());
    for (const group of groups) {
      const sparsity = commonSparsity(name, group, wanted);
      const sizes = group.map((p) => (block === undefined ? p.size : blocksOf(name, p, block).count));
      // Of what is left, as torch counts, nothing is known yet.
      if (compat !== 'torch')
        floorsOf(name, sizes, sparsity, countOf(sparsity, total(sizes), 0, compat), options);
    }
    return groups;
  };

  const rank = (parameter: Parameter, seen: Seen, seed: number): Ranked => {
    // Distiller looks at the weights alone: what it pruned is 0 and ties with every other 0.
    const alive = compat === 'distiller' ? undefined : seen.alive;
    const elements = scoresOf(criterion, parameter, seed, { ...seen, alive });
    const blocks = block === undefined ? undefined : blocksOf(name, parameter, block);
    const scores = blocks === undefined ? elements : blockScores(blocks, elements);
    let gone = 0;
    const least = Number.NEGATIVE_INFINITY;
    if (alive !== undefined) for (let i = 0; i < scores.length; i++) if (scores[i] === least) gone++;
    return { parameter, scores, blocks, gone };
  };

  const prune = (ranked: readonly Ranked[], sparsity: number, masks: Map<Parameter, tf.Tensor>): void => {
    const sizes = ranked.map(({ scores }) => scores.length);
    const gone = total(ranked.map((r) => r.gone));
    const count = countOf(sparsity, total(sizes), gone, compat);
    // Nothing to do: masks that are there stay as they are.
    if (count === 0) return;
    const kept = pruneDownTo(
      floorsOf(name, sizes, sparsity, count, options),
      ranked.map(({ scores }) => scores),
      Math.max(count, gone),
      compat === 'distiller' ? 'all' : 'index',
    );
    for (const [i, { parameter, blocks }] of ranked.entries()) {
      const mask = blocks === undefined ? kept[i] : spread(blocks, kept[i]);
      masks.set(parameter, tf.tensor(mask, parameter.shape as number[], 'float32'));
    }
  };

  return {
    name,
    kinds: ['pruner'],
    check: (_, of) => void checked(of),
    start(run, of) {
      const groups = checked(of);
      const seed = options.seed ?? run.seed;
      return {
        masks(at, read = readNow) {
          const wanted = sparsities(of, at);
          const amounts = groups.map((group) => commonSparsity(name, group, wanted));
          return see(read, run, of, criterion, (seen) => {
            const masks = new Map<Parameter, tf.Tensor>();
            for (const [i, group] of groups.entries()) {
              const ranked = group.map((parameter) => rank(parameter, seen.get(parameter)!, seed));
              prune(ranked, amounts[i], masks);
            }
            return masks;
          });
        },
      };
    },
  };
}

function countOf(sparsity: number, n: number, gone: number, compat: RankingOptions['compat']): number {
  if (compat === 'distiller') return Math.floor(sparsity * n);
  if (compat === 'torch') return gone + roundHalfEven(sparsity * (n - gone));
  return roundHalfEven(sparsity * n);
}

/**
 * How many units at least stay of each tensor that is ranked together, when `count` of all go.
 *
 * @throws EspalierError `invalid-option` when that cannot be
 */
function floorsOf(
  name: string,
  sizes: readonly number[],
  sparsity: number,
  count: number,
  { scope = 'tensor', floor, compat }: RankingOptions,
): number[] {
  const least = floor ?? (scope === 'tensor' || compat === 'torch' || sparsity === 1 ? 0 : 1);
  const floors = sizes.map((size) => (least < 1 ? Math.ceil(least * size) : Math.min(least, size)));
  const needed = total(floors);
  const left = total(sizes) - count;
  if (count === 0 || needed <= left) return floors;
  throw new EspalierError(
    'invalid-option',
    `${name}: sparsity ${sparsity} leaves ${left} of all tensors, but their floors need ${needed}.`,
    { remedy: 'Lower the sparsity or the floor (0: none).' },
  );
}

function groupsOf(name: string, of: Of, { scope = 'tensor', groups = [] }: RankingOptions): Parameter[][] {
  if (scope === 'tensor') return of.map((p) => [p]);
  return scope === 'global' ? [[...of]] : partition(name, of, groups);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
