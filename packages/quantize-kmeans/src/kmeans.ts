import {
  checkOneOf,
  checkOptions,
  EspalierError,
  hash,
  hashString,
  type Of,
  type Parameter,
  type PerParameter,
  type PluginState,
  type QuantizedTensor,
  type Quantizer,
  type QuantizerSession,
  type RunState,
} from '@espalier/core';
import { type Codebook, type CodebookOptions, lloydCodebook, optimalCodebook } from './codebook.js';
import { checkImportance, checkTrained, type Importance, importanceSource } from './importance.js';
import type { LloydInit } from './initial-centroids.js';
import { nearest } from './nearest.js';
import { compact } from './quantized-tensor.js';
import { settingsOf } from './settings.js';

/** Options of `kmeans`. */
export interface KMeansOptions {
  /**
   * Entries of the codebook, 1 to 4096, the exact zero included: 16 entries are 4 bits an index, whether or
   * not one of them is zero. One number, or one per name, glob or parameter.
   */
  readonly clusters: PerParameter<number>;
  /** `optimal` (default) is the least squared error; the others are Lloyd's iteration from Han's starts. */
  readonly init?: 'optimal' | LloydInit;
  /**
   * An entry that is exactly 0, that pruned weights keep and fine-tuning leaves alone. Default: where the
   * tensor has exact zeros.
   */
  readonly keepZero?: boolean;
  /** A codebook for each tensor (default), or (`'global'`) one for all tensors of the schedule together. */
  readonly scope?: 'tensor' | 'global';
  /**
   * How much errors matter. Default `'none'`: all alike, plain k-means. `'fisher'`: from the gradients of the
   * training between the schedule's first firing, which only starts to watch them, and its second. `'posterior'`:
   * by the variance that a Bayesian stage has learned.
   */
  readonly importance?: Importance;
  /** For `init: 'random'`. Default: the run's seed. */
  readonly seed?: number;
}

const inits = ['optimal', 'linear', 'density', 'random'];

/**
 * Codebook quantisation by k-means: every weight becomes one of a few shared values. The trainer then
 * fine-tunes the shared values, each with the sum of its weights' gradients.
 *
 * Biases and other small tensors are better left out: their indices save less than their codebook costs.
 * Tensors that are shared already, with no more values than asked for, are left as they are.
 *
 * Source: Han, Mao and Dally, Deep Compression (2016), section 3.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { kmeans } from '@espalier/quantize-kmeans';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 30, inputShape: [20] })] });
 * const run = new Run(model);
 * await run.quantize(kmeans({ clusters: 16 }));
 * const values = new Set(run.parameter('fc/kernel').variable.dataSync());
 * if (values.size !== 16) throw new Error(`${values.size} values`);
 * ```
 */
export function kmeans(options: KMeansOptions): Quantizer {
  const checked = resolve(options);
  const check = (of: Of): void => {
    checkTrained('kmeans', checked.importance, of);
    if (checked.scope === 'global' && new Set(checked.countsOf(of).values()).size > 1) {
      throw new EspalierError(
        'invalid-option',
        "kmeans: scope 'global' has one codebook, but clusters differ.",
        {
          remedy: 'Give one number of clusters.',
        },
      );
    }
  };
  return {
    name: 'kmeans',
    kinds: ['quantizer'],
    check: (_, of) => check(of),
    start(run, of, state) {
      check(of);
      return start(checked, run, of, state);
    },
  };
}

/** The options, checked and with their defaults. */
interface Resolved {
  readonly init: 'optimal' | LloydInit;
  readonly keepZero: boolean | undefined;
  readonly scope: 'tensor' | 'global';
  readonly importance: Importance;
  readonly seed: number | undefined;
  /** Clusters by parameter name. @throws EspalierError `invalid-option`, `unknown-name` */
  countsOf(of: Of): Map<string, number>;
}

function resolve(options: KMeansOptions): Resolved {
  checkOptions('kmeans', options, ['clusters', 'init', 'keepZero', 'scope', 'importance', 'seed']);
  const { clusters, init = 'optimal', keepZero, scope = 'tensor', importance = 'none', seed } = options;
  checkOneOf('kmeans', 'init', init, inits);
  checkOneOf('kmeans', 'scope', scope, ['tensor', 'global']);
  checkImportance('kmeans', importance);
  const check = (value: number, where: string): void => {
    if (Number.isInteger(value) && value >= 1 && value <= 4096) return;
    throw new EspalierError('invalid-option', `kmeans: ${where} is ${String(value)}.`, {
      remedy: 'Give a whole number from 1 to 4096: the number of values, the zero included.',
    });
  };
  if (typeof clusters === 'number' || clusters === undefined) check(clusters as number, 'clusters');
  const countsOf = (of: Of): Map<string, number> => settingsOf('kmeans', 'clusters', clusters, of, check);
  return { init, keepZero, scope, importance, seed, countsOf };
}

function start(
  { init, keepZero, scope, importance, seed, countsOf }: Resolved,
  run: RunState,
  of: Of,
  state: PluginState | undefined,
): QuantizerSession {
  const counts = countsOf(of);
  /** Those with more distinct values than they should have. */
  const open = (): Parameter[] =>
    of.filter((p) => !((run.shared(p)?.codebook.length ?? Infinity) <= counts.get(p.name)!));
  const source = importanceSource('kmeans', importance, run, open, state);

  const cluster = (values: Float32Array, weights: Float32Array | undefined, name: string): Codebook => {
    const shared: CodebookOptions = { keepZero: keepZero ?? values.includes(0), ...(weights && { weights }) };
    const k = counts.get(name)!;
    if (init === 'optimal') return optimalCodebook(values, k, shared);
    return lloydCodebook(values, k, { ...shared, init, seed: hash(seed ?? run.seed, hashString(name)) });
  };

  return {
    ...source.hooks,
    async quantize(at) {
      const todo = open();
      const tensors = new Map<Parameter, QuantizedTensor>();
      if (todo.length === 0 || source.waits(at)) return tensors;
      for (const members of scope === 'global' ? [todo] : todo.map((p) => [p])) {
        const values: Float32Array[] = [];
        const weights: Float32Array[] = [];
        for (const p of members) {
          const its = (await p.variable.data()) as Float32Array;
          values.push(its);
          const own = await source.of(p, its);
          if (own !== undefined) weights.push(own);
        }
        const all = joined(values);
        const { centroids } = cluster(all, weights.length > 0 ? joined(weights) : undefined, members[0].name);
        const fixZero = keepZero ?? all.includes(0);
        for (const [i, p] of members.entries())
          tensors.set(p, compact(centroids, nearest(values[i], centroids), fixZero));
      }
      source.hooks.dispose?.();
      return tensors;
    },
  };
}

function joined(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0];
  const all = new Float32Array(arrays.reduce((n, array) => n + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
