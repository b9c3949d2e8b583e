import { checkInteger, DatasetError } from './errors.js';
import { generator } from './random.js';

/** Labelled examples as typed arrays. */
export interface Split {
  /** The number of examples. */
  readonly size: number;
  /** One example's shape, e.g. `[28, 28, 1]`. */
  readonly inputShape: readonly number[];
  /** How many classes there are: labels lie in [0, classCount). */
  readonly classCount: number;
  /** Raw inputs, one example after the other: pixels 0 … 255, or floats as they are. */
  readonly inputs: Uint8Array | Float32Array;
  /** One label per example. */
  readonly labels: Uint8Array;
}

/**
 * The examples of `split` at `indices`, copied.
 *
 * @example
 * ```ts
 * import { take } from '@espalier/datasets';
 * const split = { size: 3, inputShape: [2], classCount: 2, inputs: Uint8Array.of(1, 2, 3, 4, 5, 6), labels: Uint8Array.of(0, 1, 0) };
 * const { size, inputs, labels } = take(split, [2, 1]);
 * if (size !== 2 || inputs.join() !== '5,6,3,4' || labels.join() !== '0,1') throw new Error('unexpected');
 * ```
 */
export function take(split: Split, indices: ArrayLike<number>): Split {
  const stride = split.inputs.length / Math.max(1, split.size);
  const inputs =
    split.inputs instanceof Uint8Array
      ? new Uint8Array(indices.length * stride)
      : new Float32Array(indices.length * stride);
  const labels = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i] * stride;
    inputs.set(split.inputs.subarray(from, from + stride), i * stride);
    labels[i] = split.labels[indices[i]];
  }
  return { ...split, size: indices.length, inputs, labels };
}

/**
 * Sets examples aside for validation, drawn class by class so that both parts keep the class proportions
 * (the largest remainders get the odd examples). Deterministic in `seed`; the order of the examples is kept.
 *
 * @param validation A share in (0, 1) or a number of examples; 0 for none.
 * @throws DatasetError (`invalid-option`) unless at least one example remains for training.
 *
 * @example
 * ```ts
 * import { holdOut } from '@espalier/datasets';
 * const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
 * const all = { size: 100, inputShape: [1], classCount: 10, inputs: new Float32Array(100), labels };
 * const { train, validation } = holdOut(all, 0.2, 1);
 * if (train.size !== 80 || validation.labels.filter((label) => label === 3).length !== 2) throw new Error('unexpected');
 * ```
 */
export function holdOut(split: Split, validation: number, seed: number): { train: Split; validation: Split } {
  const count = validation > 0 && validation < 1 ? Math.round(validation * split.size) : validation;
  checkInteger('holdOut', 'validation', count, 0);
  if (count >= split.size && count > 0) {
    throw new DatasetError('invalid-option', `validation is ${validation}, of ${split.size} examples.`, {
      remedy: 'Give a share in (0, 1), or a number of examples that leaves some for training.',
    });
  }
  if (count === 0) return { train: split, validation: take(split, []) };

  const byClass: number[][] = Array.from({ length: split.classCount }, () => []);
  for (let i = 0; i < split.size; i++) byClass[split.labels[i]].push(i);
  const exact = byClass.map((members) => (members.length * count) / split.size);
  const quota = exact.map(Math.floor);
  const largestRemainderFirst = exact
    .map((_, c) => c)
    .sort((a, b) => exact[b] - quota[b] - (exact[a] - quota[a]));
  let missing = count - quota.reduce((sum, q) => sum + q, 0);
  for (const c of largestRemainderFirst) if (missing-- > 0) quota[c]++;

  const chosen = new Uint8Array(split.size);
  byClass.forEach((members, c) => {
    const random = generator(seed, c);
    // Selection sampling (Knuth, TAOCP 2, algorithm S): exactly quota[c] of the members, each set equally likely.
    let wanted = quota[c];
    members.forEach((index, i) => {
      if (random() * (members.length - i) < wanted) {
        chosen[index] = 1;
        wanted--;
      }
    });
  });
  const indices = [...chosen.keys()];
  return {
    train: take(
      split,
      indices.filter((i) => chosen[i] === 0),
    ),
    validation: take(
      split,
      indices.filter((i) => chosen[i] === 1),
    ),
  };
}
