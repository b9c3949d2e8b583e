import { checkInteger, DatasetError } from './errors.js';
import { permutation } from './random.js';

/** Which examples are for what. */
export type DataPart = 'train' | 'validation' | 'test';

/** The three parts, in the order in which they are spoken of. */
export const parts: readonly DataPart[] = ['train', 'validation', 'test'];

/** How examples are divided: shares in (0, 1), or numbers of examples; 0 for none. */
export interface Shares {
  /** Default 0.1. */
  readonly validation?: number;
  /** Default 0.1. */
  readonly test?: number;
  /** Which ones. Default 0. */
  readonly seed?: number;
}

function countOf(what: string, share: number, size: number): number {
  if (share > 0 && share < 1) return Math.max(1, Math.round(share * size));
  checkInteger('data', what, share, 0);
  return share;
}

/** How many of each class go into a part of `count`: the largest remainders get the odd examples. */
function quotas(sizes: readonly number[], count: number): number[] {
  const all = sizes.reduce((sum, n) => sum + n, 0);
  const exact = sizes.map((n) => (n * count) / all);
  const quota = exact.map(Math.floor);
  const order = [...exact.keys()].sort((a, b) => exact[b] - quota[b] - (exact[a] - quota[a]));
  let missing = count - quota.reduce((sum, q) => sum + q, 0);
  for (const c of order) if (missing-- > 0) quota[c]++;
  return quota;
}

/**
 * Divides examples into three parts, a pure function of the seed; with classes, each class in proportion. The order of the
 * examples is kept in each part.
 *
 * @param classes - One class per example, from 0. Default: all alike.
 * @throws DatasetError `invalid-option` unless some are left for training
 *
 * @example
 * ```ts
 * import { divide } from '@espalier/datasets';
 * const { train, validation, test } = divide(10, { validation: 0.2, test: 3, seed: 1 });
 * if (train.length !== 5 || validation.length !== 2 || test.length !== 3) throw new Error('unexpected');
 * ```
 */
export function divide(
  size: number,
  { validation = 0.1, test = 0.1, seed = 0 }: Shares,
  classes?: ArrayLike<number>,
): Record<DataPart, number[]> {
  const counts = { validation: countOf('validation', validation, size), test: countOf('test', test, size) };
  if (counts.validation + counts.test >= size) {
    throw new DatasetError(
      'invalid-option',
      `data: of ${size} examples, ${counts.validation} for validation and ${counts.test} for the test leave none to train on.`,
      { remedy: 'Give more examples, or smaller shares: validation and test.' },
    );
  }
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < size; i++) {
    const key = classes?.[i] ?? 0;
    const members = byClass.get(key);
    if (members === undefined) byClass.set(key, [i]);
    else members.push(i);
  }
  const groups = [...byClass].sort(([a], [b]) => a - b);
  const drawn = groups.map(([key, members]) =>
    [...permutation(members.length, seed, key)].map((i) => members[i]),
  );
  const divided: Record<DataPart, number[]> = { train: [], validation: [], test: [] };
  for (const part of ['test', 'validation'] as const) {
    for (const [c, quota] of quotas(
      drawn.map(({ length }) => length),
      counts[part],
    ).entries()) {
      divided[part].push(...drawn[c].splice(0, quota));
    }
  }
  divided.train.push(...drawn.flat());
  for (const part of parts) divided[part].sort((a, b) => a - b);
  return divided;
}
