import {
  checkOptions,
  EspalierError,
  hash,
  hashString,
  type Of,
  type Parameter,
  type QuantizedTensor,
  type Quantizer,
  type Run,
  unknownName,
} from '@espalier/core';
import { type Codebook, type CodebookOptions, lloydCodebook, optimalCodebook } from './codebook.js';
import type { LloydInit } from './initial-centroids.js';
import { nearest } from './nearest.js';
import { type PerParameter, settingsOf } from './per-parameter.js';
import { compact } from './quantized-tensor.js';

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
  /** A codebook for each tensor (default), or one for all tensors of the schedule together. */
  readonly scope?: 'tensor' | 'group';
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
 * import { once, Run } from '@espalier/core';
 * import { kmeans } from '@espalier/quantize-kmeans';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 30, inputShape: [20] })] });
 * const run = new Run(model);
 * const quantizer = kmeans({ clusters: 16 });
 * await quantizer.start?.(run, run.select());
 * for (const [parameter, tensor] of await quantizer.quantize(run.select(), once())) run.share(parameter, tensor);
 * const values = new Set(run.parameter('fc/kernel').variable.dataSync());
 * if (values.size !== 16) throw new Error(`${values.size} values`);
 * ```
 */
export function kmeans(options: KMeansOptions): Quantizer {
  checkOptions('kmeans', options, ['clusters', 'init', 'keepZero', 'scope', 'seed']);
  const { clusters, init = 'optimal', keepZero, scope = 'tensor', seed } = options;
  if (!inits.includes(init)) throw unknownName('init of kmeans', String(init), inits);
  if (scope !== 'tensor' && scope !== 'group') {
    throw unknownName('scope of kmeans', String(scope), ['tensor', 'group']);
  }
  const check = (value: number, where: string): void => {
    if (Number.isInteger(value) && value >= 1 && value <= 4096) return;
    throw new EspalierError('invalid-option', `kmeans: ${where} is ${String(value)}.`, {
      remedy: 'Give a whole number from 1 to 4096: the number of values, the zero included.',
    });
  };
  if (typeof clusters === 'number' || clusters === undefined) check(clusters as number, 'clusters');
  let run: Run | undefined;

  const cluster = (values: Float32Array, k: number, zero: boolean, stream: string): Codebook => {
    const shared: CodebookOptions = { keepZero: zero };
    if (init === 'optimal') return optimalCodebook(values, k, shared);
    return lloydCodebook(values, k, {
      ...shared,
      init,
      seed: hash(seed ?? run?.seed ?? 0, hashString(stream)),
    });
  };

  return {
    name: 'kmeans',
    start(itsRun, of) {
      run = itsRun;
      settingsOf('kmeans', 'clusters', clusters, of, check);
    },
    async quantize(of: Of) {
      const counts = settingsOf('kmeans', 'clusters', clusters, of, check);
      const todo = of.filter(
        (p) => !((run?.shared(p)?.codebook.length ?? Infinity) <= (counts.get(p.name) as number)),
      );
      const tensors = new Map<Parameter, QuantizedTensor>();
      if (scope === 'group') {
        const all = await Promise.all(todo.map((p) => p.variable.data() as Promise<Float32Array>));
        const k = sameCount(todo, counts);
        if (k === undefined) return tensors;
        const values = concatenated(all);
        const zero = keepZero ?? values.includes(0);
        const { centroids } = cluster(values, k, zero, 'group');
        for (const [i, p] of todo.entries())
          tensors.set(p, compact(centroids, nearest(all[i], centroids), zero));
        return tensors;
      }
      for (const p of todo) {
        const values = (await p.variable.data()) as Float32Array;
        const zero = keepZero ?? values.includes(0);
        const { centroids, indices } = cluster(values, counts.get(p.name) as number, zero, p.name);
        tensors.set(p, compact(centroids, indices, zero));
      }
      return tensors;
    },
  };
}

function sameCount(of: Of, counts: ReadonlyMap<string, number>): number | undefined {
  const different = new Set(of.map((p) => counts.get(p.name)));
  if (different.size > 1) {
    throw new EspalierError(
      'invalid-option',
      "kmeans: scope 'group' has one codebook, but clusters differ.",
      {
        remedy: 'Give one number of clusters.',
      },
    );
  }
  return [...different][0];
}

function concatenated(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((n, array) => n + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
