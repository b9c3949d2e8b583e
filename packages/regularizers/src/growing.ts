import {
  checkOptions,
  checkRange,
  EspalierError,
  type Of,
  type Parameter,
  type Pruner,
  progress,
  type Read,
  readNow,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkGroups, type GroupOptions, groupMagnitudes, groupMasks, groupSets } from './groups.js';
import { withGradient } from './internal/with-gradient.js';
import type { WeightPenalty } from './penalty.js';

export interface GrowingOptions extends Partial<GroupOptions> {
  /** Share of the groups (single weights by default) of each tensor to press down and prune, in [0, 1]. */
  readonly sparsity: number;
  /** λ at the last firing, > 0. Wang et al. go to 1. */
  readonly strength: number;
}

/** A growing penalty: a regularizer that ends as a pruner. */
export interface GrowingPenalty extends WeightPenalty {
  masks: Pruner['masks'];
}

interface State {
  strength: number;
}

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
 * const plugin = growing({ sparsity: 0.5, strength: 0.8 });
 * const penalties: number[] = [];
 * for (let index = 0; index < 3; index++) {
 *   penalties.push(plugin.penalty(run.select()).dataSync()[0]);
 *   run.prune(plugin, undefined, { ...once(), index, count: 3 });
 * }
 * // Chosen are 1 and 2; λ is 0, then 0.4 (seen by the next step), and at the third firing they go.
 * if (penalties.map((p) => p.toFixed(3)).join() !== '0.000,0.000,1.000') throw new Error(penalties.join());
 * if (model.getWeights()[0].dataSync().join() !== '0,0,3,4') throw new Error('unexpected');
 * ```
 */
export function growing(options: GrowingOptions): GrowingPenalty {
  const { sparsity, strength, groups = 'elements', block } = options;
  const grouping: GroupOptions = block === undefined ? { groups } : { groups, block };
  checkOptions('growing', options, ['sparsity', 'strength', 'groups', 'block']);
  checkRange('growing', 'sparsity', sparsity, 0, 1);
  checkRange('growing', 'strength', strength, Number.MIN_VALUE, Number.MAX_VALUE);
  checkGroups('growing', grouping);

  /** 1 where a weight is pressed down, by parameter name. */
  const chosen = new Map<string, tf.Tensor>();
  let selection: Of = [];
  let lambda = 0;

  const forget = (): void => {
    tf.dispose([...chosen.values()]);
    chosen.clear();
    lambda = 0;
  };
  const choose = <T>(of: Of, read: Read, then: () => T): T | Promise<T> => {
    forget();
    const sets = groupSets('growing', of, grouping);
    return read(
      () => sets.map((set) => groupMagnitudes(set, 'mean-abs')),
      (magnitudes) => {
        for (const [i, set] of sets.entries()) {
          const picked = tf.tensor1d(lowestOf(magnitudes[i], Math.round(sparsity * set.groups)));
          for (const [{ name }, mask] of groupMasks(set, picked)) chosen.set(name, tf.keep(mask));
          picked.dispose();
        }
        return then();
      },
    );
  };
  const one = ({ name, variable }: Parameter): tf.Tensor => {
    const mask = chosen.get(name)!;
    return withGradient(
      [variable],
      ([w]) => {
        const pressed = tf.mul(w, mask);
        return { value: tf.mul(tf.sum(tf.square(pressed)), lambda / 2), saved: [pressed] };
      },
      (dy, [pressed]) => [tf.mul(pressed, tf.mul(dy, lambda))],
    );
  };

  return {
    name: 'growing',
    check: (_, of) => void groupSets('growing', of, grouping),
    start(_, of) {
      groupSets('growing', of, grouping);
      selection = of;
      forget();
    },
    penalty: (of) =>
      tf.tidy(() => {
        const pressed = lambda === 0 ? [] : of.filter(({ name }) => chosen.has(name));
        return pressed.map(one).reduce((a, b) => tf.add(a, b), tf.scalar(0));
      }) as tf.Scalar,
    masks(of, at, read = readNow) {
      if (at.count === 1) {
        throw new EspalierError(
          'invalid-schedule',
          'growing: a schedule that fires once has no time to grow.',
          {
            remedy: 'Let it fire more often, for example every: { steps: 10 }.',
          },
        );
      }
      lambda = strength * progress(at);
      const final = (): Map<Parameter, tf.Tensor> => {
        const masks = new Map<Parameter, tf.Tensor>();
        if (at.index < at.count - 1) return masks;
        for (const parameter of of) {
          const mask = chosen.get(parameter.name);
          if (mask === undefined) continue;
          masks.set(
            parameter,
            tf.tidy(() => tf.sub(1, mask)),
          );
        }
        return masks;
      };
      return at.index === 0 ? choose(of, read, final) : final();
    },
    save: (read = readNow) =>
      read(
        () => [...chosen.values()],
        (masks) => ({
          json: { strength: lambda } satisfies State,
          arrays: Object.fromEntries([...chosen.keys()].map((name, i) => [name, Uint8Array.from(masks[i])])),
        }),
      ),
    load({ json, arrays = {} }) {
      const state = json as Partial<State> | null;
      if (state?.strength === undefined) {
        throw new EspalierError('bad-state', 'growing: the saved state has no strength.');
      }
      forget();
      lambda = state.strength;
      for (const { name, shape } of selection) {
        const saved = arrays[name];
        if (saved !== undefined)
          chosen.set(name, tf.keep(tf.tensor(Float32Array.from(saved), shape as number[])));
      }
    },
    dispose: forget,
  };
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
