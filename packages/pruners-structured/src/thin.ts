import {
  type AxisSelection,
  checkOneOf,
  checkOptions,
  EspalierError,
  type Plugin,
  type RunState,
  readLater,
  type TransformSession,
} from '@espalier/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { groupsOf } from './dependency-groups.js';
import { followConstants } from './graph/follow.js';
import { countMacs } from './macs.js';
import { decide, type Stuck } from './thin/decide.js';
import { folds } from './thin/fold.js';
import { rebuild } from './thin/rebuild.js';

export type { Stuck } from './thin/decide.js';

/** How {@link thin} treats what it cannot remove. */
export interface ThinOptions {
  /**
   * What to do with channels that could go but for a constant that has nowhere to go: `'keep'` them (default;
   * the report tells which) or throw an `'error'`.
   */
  readonly stuck?: 'keep' | 'error';
}

/** What was removed. */
export interface ThinReport {
  /** Units of each dependency group, where there are fewer now. */
  readonly groups: readonly { readonly name: string; readonly before: number; readonly after: number }[];
  /** Biases that took up the constants of removed channels. */
  readonly folded: readonly string[];
  /** Channels that stay for the sake of a constant alone. */
  readonly stuck: readonly Stuck[];
  /** Numbers of weights. */
  readonly parameters: { readonly before: number; readonly after: number };
}

/** A smaller model with the same function. */
export interface Thinned {
  readonly model: LayersModel;
  /** Which indices stay along the axes of each weight that is smaller now, by parameter name. */
  readonly kept: ReadonlyMap<string, readonly AxisSelection[]>;
  readonly report: ThinReport;
}

/**
 * Makes a smaller model with the same function: every channel goes from which no weight other than 0 leads to
 * an output. A channel that no longer depends on the input (its filter is 0, say) is removed too: the constant
 * it still adds (bias, batch-norm offset, through the activations) is folded into the biases of the layers that
 * read it. Where that cannot be, because a constant other than 0 meets zero padding, the channel stays and the
 * report says so. Outputs agree with the model's to float rounding, for all inputs, at inference.
 *
 * The model itself is left as it is; the new one has weights of its own, and is not compiled.
 *
 * @param run - Tells which biases are masked, so that no constant is folded where a mask would delete it.
 * @throws EspalierError `unsupported-layer`, `unknown-option`, `unknown-name`, `stuck`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { thinModel } from '@espalier/pruners-structured';
 * const model = tfl.sequential({
 *   layers: [
 *     tfl.layers.dense({ units: 3, inputShape: [2], activation: 'sigmoid' }),
 *     tfl.layers.dense({ units: 1 }),
 *   ],
 * });
 * // The second of the three units is pruned: it is sigmoid(0) = 0.5 for all inputs.
 * const first = tf.tensor2d([[1, 0, 2], [3, 0, 4]]);
 * model.setWeights([first, tf.zeros([3]), tf.tensor2d([[1], [10], [1]]), tf.zeros([1])]);
 * const { model: small } = await thinModel(model);
 * if (small.countParams() !== 2 * 2 + 2 + 2 + 1) throw new Error(String(small.countParams()));
 * const x = tf.tensor2d([[0.3, -0.2]]);
 * const [a, b] = [model, small].map((m) => (m.predict(x) as tf.Tensor).dataSync()[0]);
 * if (Math.abs(a - b) > 1e-6) throw new Error(`${a} ${b}`); // 10 · 0.5 is in the bias now
 * ```
 */
export async function thinModel(
  model: LayersModel,
  options: ThinOptions = {},
  run?: RunState,
): Promise<Thinned> {
  checkThin(options);
  const trace = await followConstants(model);
  const masks = await masksOf(run);
  const decision = decide(trace, ({ name }) => masks.get(name));
  const { stuck } = decision;
  if (options.stuck === 'error' && stuck.length > 0) {
    throw new EspalierError('stuck', `thin: ${stuck.map(explain).join('; ')}.`, {
      remedy: "Prune their biases and batch-norm offsets as well, or allow it with stuck: 'keep'.",
    });
  }
  const folded = folds(trace, decision);
  const { model: smaller, kept } = await rebuild(model, trace, decision, folded);
  const sizes = new Map<string, { name: string; before: number; after: number }>();
  for (const [root, { group }] of groupsOf(trace).places) {
    const size = sizes.get(group.name) ?? { name: group.name, before: group.size, after: group.size };
    sizes.set(group.name, { ...size, after: size.after - (decision.removed(root) ? 1 : 0) });
  }
  return {
    model: smaller,
    kept,
    report: {
      groups: [...sizes.values()].filter(({ before, after }) => after < before),
      folded: folded.map(({ bias }) => bias),
      stuck,
      parameters: { before: model.countParams(), after: smaller.countParams() },
    },
  };
}

/** Masks of a run by the names of their parameters. */
async function masksOf(run: RunState | undefined): Promise<ReadonlyMap<string, Float32Array>> {
  const masked = run?.parameters.filter((p) => run.mask(p) !== undefined) ?? [];
  return readLater(
    () => masked.map((p) => run!.mask(p)!),
    (masks) => new Map(masked.map(({ name }, i) => [name, masks[i]])),
  );
}

/** One line about channels that stay. */
export function explain({ layer, channels, reason }: Stuck): string {
  return `${channels} channels that ${layer} reads stay: ${reason}`;
}

function checkThin(options: ThinOptions): void {
  checkOptions('thin', options, ['stuck']);
  const { stuck = 'keep' } = options;
  checkOneOf('thin', 'value of stuck', stuck, ['keep', 'error']);
}

/** What a person should know about it. */
function notesOf({ model, report }: Thinned, before: LayersModel): string[] {
  const { groups, folded, stuck, parameters } = report;
  const count = (n: number): string => n.toLocaleString('en');
  const units = groups.map((g) => `${g.name} ${g.before} → ${g.after}`).join(', ');
  const notes = [units === '' ? 'Thinned: nothing to remove' : `Thinned: ${units}`];
  notes.push(`Weights ${count(parameters.before)} → ${count(parameters.after)}${macsOf(before, model)}`);
  if (folded.length > 0) notes.push(`Constants folded into ${folded.join(', ')}`);
  return [...notes, ...stuck.map(explain)];
}

/** Multiplications before and after, where the sizes that they depend on are known. */
function macsOf(before: LayersModel, after: LayersModel): string {
  try {
    const [a, b] = [before, after].map((model) => countMacs(model).macs);
    return `, multiplications ${a.toLocaleString('en')} → ${b.toLocaleString('en')}`;
  } catch (error) {
    if (error instanceof EspalierError) return '';
    throw error;
  }
}

/** A session of `thin`; `report` is of the last time it was applied. */
export interface ThinSession extends TransformSession {
  readonly report: ThinReport | undefined;
}

/**
 * `thinModel` as a transform: the run goes on with the smaller model. Masks, variances and shared values are cut
 * along, and the optimizer's slots that a stage has left (`keepSlots`).
 *
 * @throws EspalierError `unknown-option`, `unknown-name`; `stuck` when applied
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { thin } from '@espalier/pruners-structured';
 * const model = tfl.sequential({
 *   layers: [
 *     tfl.layers.dense({ name: 'a', units: 3, inputShape: [2] }),
 *     tfl.layers.dense({ name: 'b', units: 1 }),
 *   ],
 * });
 * const run = new Run(model);
 * run.setMask(run.parameter('b/kernel'), tf.tensor2d([[1], [0], [1]])); // nobody reads the second unit
 * const { session } = await run.start(thin());
 * const transformed = await session.apply(model);
 * await run.replaceModel(transformed);
 * if (run.parameter('a/kernel').shape.join() !== '2,2') throw new Error('unexpected');
 * if (transformed.notes?.[0] !== 'Thinned: a 3 → 2') throw new Error(transformed.notes?.join());
 * ```
 */
export function thin(options: ThinOptions = {}): Plugin<ThinSession> {
  checkThin(options);
  return {
    name: 'thin',
    kinds: ['transform'],
    start(run) {
      let report: ThinReport | undefined;
      return {
        get report() {
          return report;
        },
        async apply(model) {
          const thinned = await thinModel(model, options, run);
          report = thinned.report;
          return { model: thinned.model, kept: thinned.kept, notes: notesOf(thinned, model) };
        },
      };
    },
  };
}
