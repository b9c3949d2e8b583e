import { EspalierError, roundHalfEven } from '@espalier/core';
import type { Structures } from './structures.js';

/** A set with a score for each of its structures, and which of them are gone already (1). */
export interface Ranked {
  readonly set: Structures;
  readonly scores: Float64Array;
  readonly gone: Uint8Array;
}

/** How many structures go, and from where. */
export interface Amount {
  /** Fraction of the structures of each set, in [0, 1]. */
  sparsity(set: Structures): number;
  /** Rank each set by itself, or all sets together. */
  readonly scope: 'local' | 'global';
  /** With scope `'global'`: what at least stays of each set, a fraction below 1 or a count. Undefined: one, if need be. */
  readonly floor: number | undefined;
  /** What stays is a multiple of this, as far as the set is large enough. */
  readonly multipleOf: number;
}

/** Positions in ascending order: gone first, then by score, equal scores by position. */
function ascending(items: readonly { readonly score: number; readonly gone: number }[]): number[] {
  return Array.from(items.keys()).sort(
    (a, b) => items[b].gone - items[a].gone || items[a].score - items[b].score || a - b,
  );
}

const itemsOf = ({ scores, gone }: Ranked): { score: number; gone: number }[] =>
  Array.from(scores, (score, i) => ({ score, gone: gone[i] }));

/** How many of `size` structures go. At least one stays. */
export function countOf(size: number, sparsity: number, multipleOf: number): number {
  const kept = Math.max(1, size - roundHalfEven(sparsity * size));
  if (multipleOf === 1) return size - kept;
  const rounded = Math.max(multipleOf, Math.round(kept / multipleOf) * multipleOf);
  return size - Math.min(size, rounded);
}

/**
 * Which structures of each set go (1): exact numbers, ties by index (the lower one goes first), what is gone
 * stays gone, and one at least stays in every set.
 *
 * @throws EspalierError `not-finite`, `invalid-option`
 */
export function choose(owner: string, ranked: readonly Ranked[], amount: Amount): Uint8Array[] {
  for (const { set, scores } of ranked) checkFinite(set, scores);
  if (amount.scope === 'global') return chooseGlobally(owner, ranked, amount);
  return ranked.map((one) => {
    const items = itemsOf(one);
    const { size } = one.set;
    const before = one.gone.reduce((a, b) => a + b, 0);
    const n = Math.max(before, countOf(size, amount.sparsity(one.set), amount.multipleOf));
    const pruned = new Uint8Array(size);
    for (const i of ascending(items).slice(0, n)) pruned[i] = 1;
    return pruned;
  });
}

function chooseGlobally(owner: string, ranked: readonly Ranked[], amount: Amount): Uint8Array[] {
  const sparsities = new Set(ranked.map(({ set }) => amount.sparsity(set)));
  if (sparsities.size > 1) {
    throw new EspalierError(
      'invalid-option',
      `${owner}: groups that are ranked together differ in sparsity.`,
      {
        remedy: "Give them one sparsity, or use scope: 'local'.",
      },
    );
  }
  const total = ranked.reduce((sum, { set }) => sum + set.size, 0);
  const [sparsity = 0] = sparsities;
  // The best of each set are out of the ranking, as many as its floor.
  const kept = ranked.map((one) => {
    const { size } = one.set;
    const { floor = 1 } = amount;
    const least = floor < 1 ? Math.ceil(floor * size) : Math.min(floor, size);
    return new Set(ascending(itemsOf(one)).slice(size - least));
  });
  const pool = ranked.flatMap((one, r) =>
    itemsOf(one)
      .map((item, i) => ({ ...item, r, i }))
      .filter(({ i }) => !kept[r].has(i)),
  );
  const before = pool.reduce((sum, { gone }) => sum + gone, 0);
  const wanted = roundHalfEven(sparsity * total);
  if (wanted > pool.length && amount.floor !== undefined) {
    throw new EspalierError(
      'invalid-option',
      `${owner}: sparsity ${sparsity} leaves ${total - wanted} of ${total} structures, but the floors keep ${total - pool.length}.`,
      { remedy: 'Lower the sparsity or the floor.' },
    );
  }
  const pruned = ranked.map(({ set }) => new Uint8Array(set.size));
  for (const at of ascending(pool).slice(0, Math.max(before, wanted))) pruned[pool[at].r][pool[at].i] = 1;
  return pruned;
}

/** Which structures have a score <= `threshold`; the best one of each set stays. */
export function below(ranked: readonly Ranked[], threshold: number): Uint8Array[] {
  return ranked.map((one) => {
    checkFinite(one.set, one.scores);
    const order = ascending(itemsOf(one));
    const pruned = new Uint8Array(one.set.size);
    for (const i of order.slice(0, -1)) if (one.gone[i] === 1 || one.scores[i] <= threshold) pruned[i] = 1;
    return pruned;
  });
}

function checkFinite(set: Structures, scores: Float64Array): void {
  const at = scores.findIndex((score) => !Number.isFinite(score));
  if (at < 0) return;
  throw new EspalierError('not-finite', `Score ${at} of ${set.name} is ${scores[at]}.`, {
    remedy: 'Look for weights, activations or scores that are not finite.',
  });
}
