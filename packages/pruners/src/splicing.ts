import {
  checkOptions,
  checkPerParameter,
  checkRange,
  EspalierError,
  type Moment,
  type Of,
  once,
  type Parameter,
  type Pruner,
  type Run,
  readNow,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Distribution, distribution } from './internal/moments.js';
import { type PerParameter, perParameter } from './per-parameter.js';

export interface SplicingOptions {
  /** s: the middle of the band is μ + s·σ of |w|. Around 0; a higher one prunes more. */
  readonly sensitivity: PerParameter<number>;
  /** Weights below `low` times the middle go, >= 0. Default 0.9. */
  readonly low?: number;
  /** Weights at or above `high` times the middle come back, >= low. Default 1.1. */
  readonly high?: number;
  /** Adds this share of s for each epoch since the schedule's start, >= 0. Default 0. */
  readonly growth?: number;
}

/** What splicing did to one parameter. */
export interface SplicingCounts {
  /** Weights that are pruned now. */
  readonly pruned: number;
  /** Weights that came back at the last firing. */
  readonly revived: number;
  /** Weights that came back since the start, each time counted. */
  readonly revivedInAll: number;
}

/** A pruner that knows how many weights it has brought back. */
export interface SplicingPruner extends Pruner {
  readonly revives: true;
  /** By parameter name. */
  readonly counts: ReadonlyMap<string, SplicingCounts>;
}

interface State {
  distributions: Record<string, Distribution>;
  counts: Record<string, SplicingCounts>;
}

/**
 * Dynamic network surgery (Guo et al. 2016, eq. 3): prunes weights below a band of magnitudes, brings those
 * above it back, and leaves those inside as they are. Training moves a dense copy by the gradient of the
 * masked weights, so a pruned weight goes on changing and can grow back; `counts` tells how many did. When the
 * schedule ends, what is pruned stays pruned.
 *
 * The band is [low·t, high·t) with t = max(0, μ + s·σ), mean and standard deviation of |w| measured at the
 * first firing and saved with the run. Let it fire often, for example `every: { steps: 10 }`.
 *
 * In a training loop of your own: call `start(run, parameters)`, and let the optimizer update
 * `run.dense(parameter)` instead of the weight.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`, `not-finite`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { splicing } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 4, inputShape: [1], useBias: false })] });
 * model.setWeights([tf.tensor2d([[0.1, 0.2, 0.8, 0.9]])]); // t = μ = 0.5
 * const run = new Run(model);
 * const pruner = splicing({ sensitivity: 0 });
 * pruner.start?.(run, run.select());
 * run.prune(pruner);
 * run.dense(run.parameter('fc/kernel'))?.assign(tf.tensor2d([[0.6, 0.2, 0.8, 0.5]])); // as an optimizer would
 * run.prune(pruner);
 * const kept = [...model.getWeights()[0].dataSync()].map((w) => Number(w !== 0));
 * if (kept.join() !== '1,0,1,1' || pruner.counts.get('fc/kernel')?.revived !== 1) throw new Error(kept.join());
 * ```
 */
export function splicing(options: SplicingOptions): SplicingPruner {
  const { low = 0.9, high = 1.1, growth = 0 } = options;
  const range = [-Number.MAX_VALUE, Number.MAX_VALUE] as const;
  checkOptions('splicing', options, ['sensitivity', 'low', 'high', 'growth']);
  checkPerParameter('splicing', 'sensitivity', options.sensitivity, range);
  checkRange('splicing', 'low', low, 0, Number.MAX_VALUE);
  checkRange('splicing', 'high', high, low, Number.MAX_VALUE);
  checkRange('splicing', 'growth', growth, 0, Number.MAX_VALUE);

  let run: Run | undefined;
  let distributions: Record<string, Distribution> = {};
  const kept = new Map<string, Uint8Array>();
  const counts = new Map<string, SplicingCounts>();

  const valuesOf = (of: Of, at: Moment): Map<Parameter, number> =>
    perParameter('splicing', 'sensitivity', options.sensitivity, of, at, range);
  const maskOf = (
    { name, size, shape }: Parameter,
    dense: Float32Array,
    s: number,
    at: Moment,
  ): tf.Tensor => {
    distributions[name] ??= distribution(name, dense, Math.abs);
    const { mean, deviation } = distributions[name];
    const middle = Math.max(0, mean + deviation * s * (1 + growth * (at.epoch - at.start)));
    // As float32, so that a weight is compared with the number that a float32 threshold would be.
    const [a, b] = [Math.fround(low * middle), Math.fround(high * middle)];
    const before = kept.get(name);
    const mask = before?.length === size ? before.slice() : new Uint8Array(size).fill(1);
    let pruned = 0;
    let revived = 0;
    for (let i = 0; i < size; i++) {
      const magnitude = Math.abs(dense[i]);
      if (magnitude < a) {
        mask[i] = 0;
      } else if (magnitude >= b) {
        revived += 1 - mask[i];
        mask[i] = 1;
      }
      pruned += 1 - mask[i];
    }
    kept.set(name, mask);
    counts.set(name, { pruned, revived, revivedInAll: (counts.get(name)?.revivedInAll ?? 0) + revived });
    return tf.tensor(Float32Array.from(mask), shape as number[]);
  };

  return {
    name: 'splicing',
    revives: true,
    counts,
    check: (_, of) => void valuesOf(of, once()),
    start(started, of) {
      valuesOf(of, once());
      if (started === run) return; // another stage of the same run: what was measured stays
      run = started;
      distributions = {};
      kept.clear();
      counts.clear();
    },
    masks(of, at, read = readNow) {
      const itsRun = run;
      if (itsRun === undefined) {
        throw new EspalierError(
          'bad-state',
          'splicing has not been started: it needs the dense copies of a run.',
          {
            remedy: 'Call start(run, run.select(…)) before run.prune.',
          },
        );
      }
      const values = [...valuesOf(of, at)];
      const dense = values.map(([p]) => itsRun.keepDense(p));
      return read(
        () => dense,
        (numbers) => new Map(values.map(([p, s], i) => [p, maskOf(p, numbers[i], s, at)])),
      );
    },
    save: () => ({
      json: { distributions, counts: Object.fromEntries(counts) } satisfies State,
      arrays: Object.fromEntries(kept),
    }),
    load({ json, arrays = {} }) {
      const state = json as Partial<State> | null;
      if (state?.distributions === undefined || state.counts === undefined) {
        throw new EspalierError('bad-state', 'splicing: the saved state has no distributions.');
      }
      distributions = { ...state.distributions };
      for (const [name, own] of Object.entries(state.counts)) counts.set(name, own);
      for (const [name, own] of Object.entries(arrays)) kept.set(name, Uint8Array.from(own));
    },
  };
}
