import { codebook } from './measure/codebook.js';
import { histogram } from './measure/histogram.js';

/** A tensor at one moment of a run that is watched: small enough to be written every epoch. */
export interface WatchedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly nonzero: number;
  /** About: by how often each value occurs, at 32 bits a value where nearly all differ. */
  readonly bytes: number;
  /** Values that are not 0, in equal bins from `low` to `high`. */
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
  /** The values that it shares, ascending, where they are few, and how many weights have each. */
  readonly codebook?: { readonly values: readonly number[]; readonly counts: readonly number[] };
}

/** A line of `watch.jsonl`. */
export interface WatchLine {
  readonly stage: string;
  /** 0-based. */
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Bytes that the process has, and those of them in tensors. */
  readonly memory?: { readonly process: number; readonly tensors: number };
  readonly tensors: readonly WatchedTensor[];
}

/** Bins of a histogram that is written every epoch, and values of a codebook. */
const [bins, mostShared] = [48, 64];

const entropy = (share: number): number => (share > 0 && share < 1 ? -share * Math.log2(share) : 0);

/** Bytes, by how often each value occurs; of more than 4096 of them, all but 0 are taken as different. */
function entropyBytes(values: ArrayLike<number>, zeros: number): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    counts.set(values[i], (counts.get(values[i]) ?? 0) + 1);
    if (counts.size > 4096) {
      const share = zeros / values.length;
      return Math.ceil(
        4 * (values.length - zeros) + ((entropy(share) + entropy(1 - share)) * values.length) / 8,
      );
    }
  }
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / values.length);
  return Math.ceil(bits / 8) + 4 * counts.size;
}

/**
 * What a page that watches a run shows of a tensor.
 *
 * @example
 * ```ts
 * import { watchTensor } from '@espalier/report';
 * const { nonzero, counts } = watchTensor('kernel', [2, 3], Float32Array.of(0, 1, 0, -1, 0.5, 0.25));
 * if (nonzero !== 4 || counts.reduce((a, b) => a + b) !== 4) throw new Error(`${nonzero}`);
 * ```
 */
export function watchTensor(
  name: string,
  shape: readonly number[],
  values: ArrayLike<number>,
): WatchedTensor {
  const { edges, before, zerosBefore } = histogram(name, values, undefined, { bins });
  const shared = codebook(name, values, mostShared);
  return {
    name,
    shape,
    parameters: values.length,
    nonzero: values.length - zerosBefore,
    bytes: entropyBytes(values, zerosBefore),
    low: edges[0] ?? 0,
    high: edges.at(-1) ?? 0,
    counts: before,
    ...(shared && { codebook: { values: shared.values, counts: shared.counts } }),
  };
}
