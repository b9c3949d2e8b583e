import {
  checkRange,
  EspalierError,
  type Moment,
  type Of,
  once,
  type Parameter,
  type Pruner,
  type Run,
  readNow,
  roundHalfEven,
  type Selector,
  unknownName,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Blocks, blockScores, blocksOf, checkBlock, spread } from './internal/blocks.js';
import { commonSparsity, partition } from './internal/groups.js';
import { type Seen, see } from './internal/seen.js';
import { pruneLowest } from './internal/select.js';
import { checkScore, type Score, scoresOf } from './score.js';

/** Which tensors are ranked together. */
export type Scope = 'tensor' | 'group' | 'global';

/** What pruners that rank weights have in common: criterion, scope and pattern. */
export interface RankingOptions {
  /** Criterion. Default `'magnitude'`. */
  readonly score?: Score;
  /**
   * `'tensor'` (default): the sparsity holds in each tensor. `'global'`: over all tensors of the schedule
   * together. `'group'`: over those of each entry of `groups`.
   */
  readonly scope?: Scope;
  /** With scope `'group'`: selectors, one per group. Together they name every parameter, none twice. */
  readonly groups?: readonly Selector[];
  /**
   * With scope `'group'` or `'global'`: what at least stays of each tensor, as a fraction (below 1) or a
   * count. Default 1 weight (or block), nothing at sparsity 1.
   */
  readonly floor?: number;
  /**
   * Prunes blocks instead of single weights: their sizes along the tensor's last dimensions, for example
   * `[1, 8]` or `[4, 4]` for `[in, out]`. A block's score is the mean of its weights' scores.
   */
  readonly block?: readonly number[];
  /** For score `'random'`. Default: the run's seed. */
  readonly seed?: number;
  /**
   * `'distiller'`: the count is floor(s·n) and every weight that ties with the last one goes as well.
   * `'torch'`: as torch.nn.utils.prune, the sparsity is that of the weights that are left, and no floor.
   */
  readonly compat?: 'distiller' | 'torch';
}

/** Names of the options, for `checkOptions`. */
export const rankingOptions: readonly string[] = [
  'score',
  'scope',
  'groups',
  'floor',
  'block',
  'seed',
  'compat',
];

/** @throws EspalierError `invalid-option`, `unknown-name` */
export function checkRanking(owner: string, options: RankingOptions): void {
  const { score, scope = 'tensor', groups, floor, block, seed, compat } = options;
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}`, { remedy });
  };
  if (score !== undefined) checkScore(owner, score);
  const scopes = ['tensor', 'group', 'global'];
  if (!scopes.includes(scope)) throw unknownName('scope', String(scope), scopes);
  if (compat !== undefined && compat !== 'distiller' && compat !== 'torch') {
    throw unknownName('compat', String(compat), ['distiller', 'torch']);
  }
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
  if (block !== undefined && !(Array.isArray(block) && block.length > 0 && block.every(isSize))) {
    refuse(`block is ${JSON.stringify(block)}.`, 'Give a list of whole numbers >= 1, such as [1, 8].');
  }
  if (seed !== undefined && !Number.isInteger(seed)) refuse(`seed is ${seed}.`, 'Give a whole number.');
  if (
    compat === 'distiller' &&
    (scope !== 'tensor' || block !== undefined || (score ?? 'magnitude') !== 'magnitude')
  ) {
    refuse(
      "compat 'distiller' ranks magnitudes tensor by tensor.",
      'Leave out score, scope and block, or compat.',
    );
  }
}

const isSize = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 1;

/** The units (weights or blocks) of one parameter, ready to be ranked. */
interface Ranked {
  readonly parameter: Parameter;
  readonly scores: Float32Array;
  readonly blocks: Blocks | undefined;
  /** How many are pruned already. */
  readonly gone: number;
}

/**
 * A pruner that takes the least important weights up to a sparsity that `sparsities` tells for each moment.
 * What is pruned stays pruned: it ranks lowest, and the count never falls below it.
 */
export function rankedPruner(
  name: string,
  options: RankingOptions,
  sparsities: (of: Of, at: Moment) => ReadonlyMap<Parameter, number>,
): Pruner {
  let run: Run | undefined;

  const { score = 'magnitude' } = options;

  const rank = (parameter: Parameter, seen: Seen): Ranked => {
    // Distiller looks at the weights alone: what it pruned is 0 and ties with every other 0.
    const alive = options.compat === 'distiller' ? undefined : seen.alive;
    const elements = scoresOf(score, parameter, alive, options.seed ?? run?.seed ?? 0, seen);
    const blocks = options.block === undefined ? undefined : blocksOf(parameter, options.block);
    const scores = blocks === undefined ? elements : blockScores(blocks, elements);
    let gone = 0;
    if (alive !== undefined) for (const score of scores) if (score === Number.NEGATIVE_INFINITY) gone++;
    return { parameter, scores, blocks, gone };
  };

  const prune = (ranked: readonly Ranked[], sparsity: number, masks: Map<Parameter, tf.Tensor>): void => {
    const n = sum(ranked, ({ scores }) => scores.length);
    const gone = sum(ranked, (r) => r.gone);
    const count = countOf(sparsity, n, gone, options.compat);
    // Nothing to do: masks that are there stay as they are.
    if (count === 0) return;
    if (ranked.length > 1 || options.floor !== undefined) protect(name, ranked, sparsity, n - count, options);
    const ties = options.compat === 'distiller' ? 'all' : 'index';
    const kept = pruneLowest(
      ranked.map(({ scores }) => scores),
      // Without a run nothing tells a pruned weight from one that happens to be 0.
      run === undefined ? count : Math.max(count, gone),
      ties,
    );
    for (const [i, { parameter, blocks }] of ranked.entries()) {
      const mask = blocks === undefined ? kept[i] : spread(blocks, kept[i]);
      masks.set(parameter, tf.tensor(mask, parameter.shape as number[], 'float32'));
    }
  };

  const check = (of: Of): void => {
    const wanted = sparsities(of, once());
    for (const group of groupsOf(name, of, options)) commonSparsity(name, group, wanted);
    if (options.block !== undefined) for (const parameter of of) checkBlock(parameter, options.block);
  };

  return {
    name,
    check: (_, of) => check(of),
    start(started, of) {
      check(of);
      run = started;
    },
    masks(of, at, read = readNow) {
      const wanted = sparsities(of, at);
      const groups = groupsOf(name, of, options).map((group) => ({
        group,
        sparsity: commonSparsity(name, group, wanted),
      }));
      return see(read, of, run, score, (seen) => {
        const masks = new Map<Parameter, tf.Tensor>();
        for (const { group, sparsity } of groups) {
          prune(
            group.map((parameter) => rank(parameter, seen.get(parameter)!)),
            sparsity,
            masks,
          );
        }
        return masks;
      });
    },
  };
}

function countOf(sparsity: number, n: number, gone: number, compat: RankingOptions['compat']): number {
  if (compat === 'distiller') return Math.floor(sparsity * n);
  if (compat === 'torch') return gone + roundHalfEven(sparsity * (n - gone));
  return roundHalfEven(sparsity * n);
}

/** Raises the best scores of each tensor out of reach, so that its floor stays. */
function protect(
  name: string,
  ranked: readonly Ranked[],
  sparsity: number,
  left: number,
  { floor, compat }: RankingOptions,
): void {
  const least = floor ?? (compat === 'torch' || sparsity === 1 ? 0 : 1);
  if (least === 0) return;
  const floors = ranked.map(({ scores }) =>
    least < 1 ? Math.ceil(least * scores.length) : Math.min(least, scores.length),
  );
  const needed = sum(floors, (f) => f);
  if (needed > left) {
    throw new EspalierError(
      'invalid-option',
      `${name}: sparsity ${sparsity} leaves ${left} of all tensors, but their floors need ${needed}.`,
      { remedy: 'Lower the sparsity or the floor (0: none).' },
    );
  }
  for (const [i, { scores }] of ranked.entries()) {
    const [kept] = pruneLowest([scores], scores.length - floors[i]);
    for (let j = 0; j < scores.length; j++) {
      if (kept[j] === 1 && scores[j] !== Number.NEGATIVE_INFINITY) scores[j] = Number.POSITIVE_INFINITY;
    }
  }
}

function groupsOf(name: string, of: Of, { scope = 'tensor', groups = [] }: RankingOptions): Parameter[][] {
  if (scope === 'tensor') return of.map((p) => [p]);
  return scope === 'global' ? [[...of]] : partition(name, of, groups);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
