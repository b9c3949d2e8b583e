import {
  checkOptions,
  checkPerParameter,
  checkRange,
  type Moment,
  type Of,
  once,
  type Parameter,
  type PerParameter,
  type Plugin,
  type PrunerSession,
  perParameter,
  readNow,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { hasNumbers, measuredIn } from './internal/measured.js';
import { type Distribution, distribution } from './internal/moments.js';

/** The band of magnitudes of {@link splicing}: what lies below goes, what lies above comes back. */
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

/** A session that knows how many weights it has brought back. */
export interface SplicingSession extends PrunerSession {
  readonly revives: true;
  /** By parameter name. */
  readonly counts: ReadonlyMap<string, SplicingCounts>;
}

/** What {@link splicing} makes: its sessions also count what came back. */
export type SplicingPruner = Plugin<SplicingSession>;

type Band = readonly [number, number];

/**
 * Dynamic network surgery (Guo et al. 2016, eq. 3): prunes weights below a band of magnitudes, brings those
 * above it back, and leaves those inside as they are. Training moves a dense copy by the gradient of the
 * masked weights, so a pruned weight goes on changing and can grow back; `counts` of the session tells how many did.
 * When the schedule ends, what is pruned stays pruned.
 *
 * The band is [low·t, high·t) with t = max(0, μ + s·σ), mean and standard deviation of |w| measured at the
 * first firing, saved, and passed on to later stages. Let it fire often, for example `every: { steps: 10 }`.
 *
 * In a training loop of your own: `run.start` it, and let the optimizer update `run.dense(parameter)` instead of the
 * weight.
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
 * const running = await run.start(splicing({ sensitivity: 0 }));
 * await running.fire();
 * run.dense(run.parameter('fc/kernel'))?.assign(tf.tensor2d([[0.6, 0.2, 0.8, 0.5]])); // as an optimizer would
 * await running.fire();
 * const kept = [...model.getWeights()[0].dataSync()].map((w) => Number(w !== 0));
 * if (kept.join() !== '1,0,1,1' || running.session.counts.get('fc/kernel')?.revived !== 1) throw new Error(kept.join());
 * running.dispose();
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

  const valuesOf = (of: Of, at: Moment): Map<Parameter, number> =>
    perParameter('splicing', 'sensitivity', options.sensitivity, of, range, at);
  /** From where to where magnitudes are left as they are. */
  const bandOf = ({ mean, deviation }: Distribution, s: number, at: Moment): Band => {
    const middle = Math.max(0, mean + deviation * s * (1 + growth * (at.epoch - at.start)));
    // As float32, so that a weight is compared with the number that a float32 threshold would be.
    return [Math.fround(low * middle), Math.fround(high * middle)];
  };

  return {
    name: 'splicing',
    kinds: ['pruner'],
    check: (_, of) => void valuesOf(of, once()),
    start(run, of, state) {
      valuesOf(of, once());
      const distributions = measuredIn<Distribution>(
        'splicing',
        'distributions',
        state,
        hasNumbers('mean', 'deviation'),
      );
      const counts = measuredIn<SplicingCounts>(
        'splicing',
        'counts',
        state,
        hasNumbers('pruned', 'revived', 'revivedInAll'),
      );
      const kept = new Map(
        Object.entries(state?.arrays ?? {}).map(([name, own]) => [name, Uint8Array.from(own)]),
      );
      const splice = (p: Parameter, dense: Float32Array, s: number, at: Moment): tf.Tensor => {
        const { name, size, shape } = p;
        const own = distributions.get(name) ?? distribution(name, dense, Math.abs);
        distributions.set(name, own);
        // Of another size after thinning: all that is left is there.
        const before = kept.get(name);
        const mask = before?.length === size ? before.slice() : new Uint8Array(size).fill(1);
        const { pruned, revived } = spliced(mask, dense, bandOf(own, s, at));
        kept.set(name, mask);
        counts.set(name, {
          pruned,
          revived,
          revivedInAll: (counts.get(name)?.revivedInAll ?? 0) + revived,
        });
        return tf.tensor(Float32Array.from(mask), shape as number[]);
      };
      return {
        revives: true,
        counts,
        masks(at, read = readNow) {
          const values = [...valuesOf(of, at)];
          const dense = values.map(([p]) => run.keepDense(p));
          return read(
            () => dense,
            (numbers) => new Map(values.map(([p, s], i) => [p, splice(p, numbers[i], s, at)])),
          );
        },
        save: () => ({
          json: { distributions: Object.fromEntries(distributions), counts: Object.fromEntries(counts) },
          arrays: Object.fromEntries([...kept].map(([name, own]) => [name, own.slice()])),
        }),
      };
    },
  };
}

/** Prunes what is below a band, brings back what is not below its end. */
function spliced(
  mask: Uint8Array,
  dense: Float32Array,
  [from, to]: Band,
): { pruned: number; revived: number } {
  let pruned = 0;
  let revived = 0;
  for (let i = 0; i < mask.length; i++) {
    const magnitude = Math.abs(dense[i]);
    if (magnitude < from) {
      mask[i] = 0;
    } else if (magnitude >= to) {
      revived += 1 - mask[i];
      mask[i] = 1;
    }
    pruned += 1 - mask[i];
  }
  return { pruned, revived };
}
