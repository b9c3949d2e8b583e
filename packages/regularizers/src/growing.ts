import {
  checkOptions,
  checkRange,
  EspalierError,
  type Moment,
  type Of,
  type Parameter,
  type Plugin,
  type PluginState,
  type PrunerSession,
  progress,
  readNow,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { knownPenalty } from './internal/known.js';
import { withoutGone } from './internal/without-gone.js';
import type { WeightPenaltySession } from './penalty.js';
import {
  checkStructure,
  groupMagnitudes,
  groupMasks,
  groupSets,
  type PenalisedStructureOptions,
} from './structure.js';

/** What {@link growing} presses down, and how far its strength grows. */
export interface GrowingOptions extends Partial<PenalisedStructureOptions> {
  /** Share of the groups (single weights by default) of each tensor to press down and prune, in [0, 1]. */
  readonly sparsity: number;
  /** λ at the last firing, > 0. Wang et al. go to 1. */
  readonly strength: number;
}

/** A growing penalty at work: a regularizer that ends as a pruner. */
export type GrowingSession = Omit<WeightPenaltySession, 'masks'> & PrunerSession;

/**
 * Growing regularisation (Wang et al. 2021, "Neural Pruning via Growing Regularization", GReg-1). At the
 * schedule's first firing the groups with the least mean |w| are chosen: round(s·G) of the G groups of each
 * tensor, ties by index. From then on ½·λ·Σw² over the chosen weights is added to the loss, λ growing in equal
 * steps from 0 at the first firing to `strength` at the last, at which the chosen weights are pruned.
 * Presses weights out slowly, so that the others can take over. Fire often: `every: { steps: 10 }`.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`; `invalid-schedule` (when it fires)
 *   from a schedule that fires once
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { growing } from '@espalier/regularizers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 4, inputShape: [1], useBias: false })] });
 * model.setWeights([tf.tensor2d([[1, 2, 3, 4]])]);
 * const run = new Run(model);
 * const running = await run.start(growing({ sparsity: 0.5, strength: 0.8 }));
 * const penalties: number[] = [];
 * for (let index = 0; index < 3; index++) {
 *   penalties.push(running.session.penalty().value.dataSync()[0]);
 *   await running.fire({ ...once(), index, count: 3 });
 * }
 * running.dispose();
 * // Chosen are 1 and 2; λ is 0, then 0.4 (seen by the next step), and at the third firing they go.
 * if (penalties.map((p) => p.toFixed(3)).join() !== '0.000,0.000,1.000') throw new Error(penalties.join());
 * if (model.getWeights()[0].dataSync().join() !== '0,0,3,4') throw new Error('unexpected');
 * ```
 */
export function growing(options: GrowingOptions): Plugin<GrowingSession> {
  const { sparsity, strength, structure = 'elements', block } = options;
  const grouping: PenalisedStructureOptions = { structure, ...(block !== undefined && { block }) };
  checkOptions('growing', options, ['sparsity', 'strength', 'structure', 'block']);
  checkRange('growing', 'sparsity', sparsity, 0, 1);
  checkRange('growing', 'strength', strength, Number.MIN_VALUE, Number.MAX_VALUE);
  checkStructure('growing', grouping);

  return {
    name: 'growing',
    kinds: ['regularizer', 'pruner'],
    check: (_, of) => void groupSets('growing', of, grouping),
    start(run, of, state) {
      const sets = groupSets('growing', of, grouping);
      let lambda = strengthIn(state);
      /** 1 where a weight is pressed down. */
      const chosen = new Map<Parameter, tf.Tensor>(chosenIn(state, of));
      const forget = (): void => {
        tf.dispose([...chosen.values()]);
        chosen.clear();
      };
      const choose = (magnitudes: readonly Float32Array[]): void => {
        forget();
        for (const [i, set] of sets.entries()) {
          const picked = tf.tensor1d(lowestOf(magnitudes[i], Math.round(sparsity * set.groups)));
          for (const [parameter, mask] of groupMasks(set, picked)) chosen.set(parameter, tf.keep(mask));
          picked.dispose();
        }
      };
      /** All that were chosen, at the last firing. */
      const masksAt = ({ index, count }: Moment): Map<Parameter, tf.Tensor> => {
        if (index < count - 1) return new Map();
        const masks = [...chosen].map(([parameter, mask]): [Parameter, tf.Tensor] => [
          parameter,
          tf.tidy(() => tf.sub(1, mask)),
        ]);
        return withoutGone(run, new Map(masks));
      };
      return {
        penalty() {
          const pressed = lambda === 0 ? [] : [...chosen];
          return knownPenalty(
            pressed.map(([parameter]) => parameter),
            () => {
              const weights = pressed.map(([{ variable }, mask]) => tf.mul(variable, mask));
              return {
                terms: weights.map((w) => tf.mul(tf.sum(tf.square(w)), lambda / 2)),
                gradients: weights.map((w) => tf.mul(w, lambda)),
              };
            },
          );
        },
        masks(at, read = readNow) {
          if (at.count === 1) {
            throw new EspalierError(
              'invalid-schedule',
              'growing: a schedule that fires once has no time to grow.',
              { remedy: 'Let it fire more often, for example every: { steps: 10 }.' },
            );
          }
          lambda = strength * progress(at);
          if (at.index > 0) return masksAt(at);
          return read(
            () => sets.map((set) => groupMagnitudes(set, 'meanAbs')),
            (magnitudes) => {
              choose(magnitudes);
              return masksAt(at);
            },
          );
        },
        save: (read = readNow) =>
          read(
            () => [...chosen.values()],
            (masks) => ({
              json: { strength: lambda },
              arrays: Object.fromEntries(
                [...chosen.keys()].map(({ name }, i) => [name, Uint8Array.from(masks[i])]),
              ),
            }),
          ),
        dispose: forget,
      };
    },
  };
}

/** λ of a saved state. @throws EspalierError `bad-state` */
function strengthIn(state: PluginState | undefined): number {
  if (state === undefined) return 0;
  const { strength } = (state.json ?? {}) as { strength?: unknown };
  if (typeof strength === 'number' && Number.isFinite(strength)) return strength;
  throw new EspalierError('bad-state', 'growing: the saved state has no strength.', {
    remedy: 'Give the state that a session of growing has saved, or none.',
  });
}

/** What was chosen of the parameters that are as large as they were: a thinned one is free till the next choice. */
function chosenIn(state: PluginState | undefined, of: Of): [Parameter, tf.Tensor][] {
  return of.flatMap((parameter): [Parameter, tf.Tensor][] => {
    const saved = state?.arrays?.[parameter.name];
    if (saved?.length !== parameter.size) return [];
    return [[parameter, tf.keep(tf.tensor(Float32Array.from(saved), parameter.shape as number[]))]];
  });
}

/** 1 for the `count` lowest values, ties by index; 0 for the others. */
function lowestOf(values: Float32Array, count: number): Float32Array {
  const marks = new Float32Array(values.length);
  if (count === 0) return marks;
  const last = values.slice().sort()[count - 1];
  let ties = count;
  for (const value of values) if (value < last) ties--;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < last || (values[i] === last && ties-- > 0)) marks[i] = 1;
  }
  return marks;
}
