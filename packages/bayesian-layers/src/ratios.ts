import { layerBits, roundTo } from './precision.js';

/** A layer as the paper's ratios see it. */
export interface CountedLayer {
  /** Posterior means, row-major, 0 where a weight is pruned. */
  readonly weights: ArrayLike<number>;
  /** Posterior variances, as many. */
  readonly variances: ArrayLike<number>;
  /** Its last axis is the outputs. */
  readonly shape: readonly number[];
  /** Weights of the layer before anything was pruned. */
  readonly before: number;
}

/** Estimates as the paper makes them. None counts an index, a header or a bias. */
export interface PaperRatios {
  /** Weights before / weights of the dense blocks that are left, at 32 bits each. */
  readonly pruning: number;
  /** The same at sign + exponent + significand bits, one precision per layer. */
  readonly fastPrediction: number;
  /** The same at the entropy of the rounded weights, with a codebook per layer at 32 bits an entry. */
  readonly maximum: number;
  /** Significand bits of each layer. */
  readonly bits: readonly number[];
  readonly exponentBits: number;
}

/**
 * Exponent bits for weights up to `most`: ⌈log₂(log₂(most) + 1) + 1⌉ as in the authors' code, but at least 1: there
 * it is negative or no number for weights below 0.6.
 *
 * @example
 * ```ts
 * import { exponentBits } from '@espalier/bayesian-layers';
 * if (exponentBits(1.7) !== 2 || exponentBits(0.3) !== 1) throw new Error('unexpected');
 * ```
 */
export function exponentBits(most: number): number {
  const bits = Math.ceil(Math.log2(Math.log2(most) + 1) + 1);
  return Number.isNaN(bits) ? 1 : Math.max(1, bits);
}

/**
 * Indices of the weights in rows and columns that are not all zero.
 *
 * @example
 * ```ts
 * import { denseBlock } from '@espalier/bayesian-layers';
 * const kept = denseBlock([1, 0, 2, 0, 0, 0, 0, 0, 3], [3, 3]); // the middle row and column are empty
 * if (kept.join() !== '0,2,6,8') throw new Error(kept.join());
 * ```
 */
export function denseBlock(weights: ArrayLike<number>, shape: readonly number[]): Uint32Array {
  const columns = shape[shape.length - 1];
  const rows = weights.length / columns;
  const [row, column] = [new Uint8Array(rows), new Uint8Array(columns)];
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    row[Math.floor(i / columns)] = 1;
    column[i % columns] = 1;
  }
  const found: number[] = [];
  for (let i = 0; i < weights.length; i++)
    if (row[Math.floor(i / columns)] && column[i % columns]) found.push(i);
  return Uint32Array.from(found);
}

/** Bits of values at their own entropy, and of a table of them. */
function entropyBits(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let bits = 32 * counts.size;
  for (const count of counts.values()) bits -= count * Math.log2(count / values.length);
  return bits;
}

/**
 * The three compression ratios of Louizos, Ullrich & Welling (2017): after pruning, for fast prediction, and at
 * most.
 *
 * @example
 * ```ts
 * import { paperRatios } from '@espalier/bayesian-layers';
 * const layer = { weights: [0.5, 0, -0.25, 0], variances: [0.01, 1, 0.01, 1], shape: [2, 2], before: 4 };
 * const { pruning, bits } = paperRatios([layer]); // the second column is gone
 * if (pruning !== 2 || bits[0] !== 5) throw new Error(`${pruning} ${bits}`);
 * ```
 */
export function paperRatios(layers: readonly CountedLayer[]): PaperRatios {
  let most = 0;
  for (const { weights } of layers) {
    for (let i = 0; i < weights.length; i++) most = Math.max(most, Math.abs(weights[i]));
  }
  const exponent = exponentBits(most);
  let [before, kept, fast, entropy] = [0, 0, 0, 0];
  const bits = layers.map((layer) => {
    const { weights, variances, shape } = layer;
    const block = denseBlock(weights, shape);
    const own = layerBits(weights, variances);
    before += layer.before;
    kept += block.length;
    fast += block.length * (1 + exponent + own);
    entropy += entropyBits(Array.from(block, (i) => roundTo(weights[i], own)));
    return own;
  });
  const [pruning, fastPrediction, maximum] = [kept, fast / 32, entropy / 32].map(
    (x) => before / Math.max(1, x),
  );
  return { pruning, fastPrediction, maximum, bits, exponentBits: exponent };
}
