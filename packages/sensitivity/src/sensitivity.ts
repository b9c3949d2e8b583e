import {
  checkRange,
  type Data,
  EspalierError,
  evaluate,
  flatMetrics,
  type Goal,
  kernels,
  type Losses,
  type Metrics,
  once,
  type Parameter,
  type Pruner,
  type Run,
  readLater,
  type Selector,
  unknownName,
} from '@espalier/core';
import { level } from '@espalier/pruners';
import { dependencyGroups, structuredLevel } from '@espalier/pruners-structured';
import * as tf from '@tensorflow/tfjs-core';

/** What is pruned: single weights, what layers make, or what they read. */
export const sensitivityKinds = ['element', 'filter', 'channel'] as const;
/** One of {@link sensitivityKinds}. */
export type SensitivityKind = (typeof sensitivityKinds)[number];

/** One measurement. */
export interface SensitivityPoint {
  /** Fraction that was pruned, in [0, 1]. */
  readonly sparsity: number;
  readonly accuracy: number;
  readonly loss: number;
  /** The goal, where it is not accuracy. */
  readonly value?: number;
}

/** How the model bears it when one tensor, or one group of them, is pruned and nothing else. */
export interface SensitivityCurve {
  /** The tensor, or the layers that make a group. */
  readonly name: string;
  /** The tensors that rank its structures. */
  readonly parameters: readonly string[];
  readonly points: readonly SensitivityPoint[];
}

/** What is measured of a model. */
interface Measured {
  readonly accuracy: number;
  readonly loss: number;
  readonly value?: number;
  readonly size: number;
}

/** How a model bears pruning: a curve for each tensor, and those that could not be tried. */
export interface Sensitivity {
  readonly kind: SensitivityKind;
  /** By what models are compared, where it is not accuracy. */
  readonly goal?: Required<Goal>;
  /** Of the model as it came. */
  readonly baseline: Measured;
  readonly curves: readonly SensitivityCurve[];
  /** What cannot be pruned, and why. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/** What is pruned, how far, and of which tensors. */
export interface SensitivityMeasureOptions {
  readonly kind: SensitivityKind;
  /** Fractions to prune, in (0, 1). */
  readonly levels: readonly number[];
  /** Default: every trainable kernel. */
  readonly parameters?: Selector;
  /** Of what could be pruned, these alone: names of curves, as {@link sensitivityTargets} gives them. */
  readonly only?: readonly string[];
  readonly loss?: Losses;
  /** Measured besides loss and accuracy. */
  readonly metrics?: Metrics;
  /** What each measurement's value is: `loss`, or one of `metrics`. Default: accuracy. */
  readonly goal?: Required<Goal>;
  /** Called after each measurement. */
  readonly onPoint?: (name: string, point: SensitivityPoint) => void;
}

interface Target {
  readonly name: string;
  readonly of: readonly Parameter[];
}

/**
 * Prunes one tensor (or dependency group) at a time to each of the levels, by magnitude and without training,
 * and evaluates; the weights are put back each time. Filters and channels take along what is tied to them.
 *
 * @param data - Held-out data, never the test set.
 * @throws EspalierError `unknown-name`, `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { measureSensitivity } from '@espalier/sensitivity';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 2, inputShape: [2], activation: 'softmax' })] });
 * model.setWeights([tf.tensor2d([[9, -9], [0.1, 0.1]]), tf.zeros([2])]); // only the first input matters
 * const batches = () => [{ inputs: tf.tensor2d([[1, 5], [-1, 5]]), labels: tf.tensor2d([[1, 0], [0, 1]]) }];
 * const data = { size: 2, stepsPerEpoch: 1, batches };
 * const { curves } = await measureSensitivity(new Run(model), data, { kind: 'element', levels: [0.5, 0.75] });
 * if (curves[0].points.map(({ accuracy }) => accuracy).join() !== '1,1') throw new Error('unexpected');
 * ```
 */
export async function measureSensitivity(
  run: Run,
  data: Data,
  options: SensitivityMeasureOptions,
): Promise<Sensitivity> {
  const { kind, levels, parameters = kernels, only, loss, metrics, goal, onPoint } = options;
  if (levels.length === 0) throw new EspalierError('invalid-option', 'sensitivity: there are no levels.');
  for (const one of levels) checkRange('sensitivity', 'a level', one, 0, 1);
  const { targets: all, refused } = someTargets(run, kind, parameters);
  const missing = only?.find((name) => all.every((target) => target.name !== name));
  if (missing !== undefined) {
    throw unknownName(
      'curve',
      missing,
      all.map(({ name }) => name),
    );
  }
  const targets = only === undefined ? all : all.filter(({ name }) => only.includes(name));
  const measure = async (): Promise<Measured> => {
    const measured = await evaluate(run.model, data, { ...(loss && { loss }), ...(metrics && { metrics }) });
    const { accuracy, loss: mean, size } = measured;
    if (goal === undefined) return { loss: mean, accuracy, size };
    const value = goal.metric === 'loss' ? mean : (flatMetrics(measured)[goal.metric] ?? accuracy);
    return { loss: mean, accuracy, value, size };
  };
  const baseline = await measure();
  const curves: SensitivityCurve[] = [];
  for (const { name, of } of targets) {
    const points: SensitivityPoint[] = [];
    for (const sparsity of [...levels].sort((a, b) => a - b)) {
      const measured = await pruned(run, of, prunerOf(kind, sparsity), measure);
      const { size: _, ...scores } = measured;
      const point = { sparsity, ...scores };
      points.push(point);
      onPoint?.(name, point);
    }
    curves.push({ name, parameters: of.map((p) => p.name), points });
  }
  return { kind, ...(goal && { goal }), baseline, curves, refused };
}

/**
 * The names of the curves that {@link measureSensitivity} would measure, in their order: of tensors, or of the layers of groups.
 * They can be measured apart, by `only`, and each is as it is among all.
 *
 * @throws EspalierError `unknown-name`, `invalid-option` where there is none
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { sensitivityTargets } from '@espalier/sensitivity';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 2, inputShape: [2] })] });
 * if (sensitivityTargets(new Run(model), { kind: 'element' }).join() !== 'fc/kernel') throw new Error('unexpected');
 * ```
 */
export function sensitivityTargets(
  run: Run,
  { kind, parameters = kernels }: Pick<SensitivityMeasureOptions, 'kind' | 'parameters'>,
): string[] {
  return someTargets(run, kind, parameters).targets.map(({ name }) => name);
}

/** What can be pruned, at least one. */
function someTargets(run: Run, kind: SensitivityKind, parameters: Selector): ReturnType<typeof targetsOf> {
  if (!sensitivityKinds.includes(kind)) throw unknownName('kind', String(kind), sensitivityKinds);
  const found = targetsOf(run, run.select(parameters), kind);
  if (found.targets.length > 0) return found;
  throw new EspalierError('invalid-option', `sensitivity: no ${kind} of these parameters can be pruned.`, {
    remedy:
      found.refused.map(({ name, reason }) => `${name}: ${reason}`).join('; ') || 'Name other parameters.',
  });
}

function prunerOf(kind: SensitivityKind, sparsity: number): Pruner {
  if (kind === 'element') return level({ sparsity });
  return structuredLevel({ structure: kind === 'filter' ? 'filters' : 'channels', sparsity });
}

/** Does something while parameters are pruned; then they are as before. */
async function pruned<T>(
  run: Run,
  of: readonly Parameter[],
  pruner: Pruner,
  work: () => Promise<T>,
): Promise<T> {
  const owner = 'sensitivity';
  const running = await run.start(pruner, { parameters: of.map(({ name }) => name), owner });
  const masks = await running.session.masks(once(), readLater);
  const before = [...masks.keys()].map((p) => [p, tf.clone(p.variable)] as const);
  try {
    for (const [parameter, mask] of masks) run.setMask(parameter, mask, owner);
    return await work();
  } finally {
    for (const [parameter, values] of before) {
      run.setMask(parameter, null, owner);
      parameter.variable.assign(values);
      values.dispose();
    }
    running.dispose();
  }
}

function targetsOf(
  run: Run,
  of: readonly Parameter[],
  kind: SensitivityKind,
): { targets: Target[]; refused: { name: string; reason: string }[] } {
  if (kind === 'element') return { targets: of.map((p) => ({ name: p.name, of: [p] })), refused: [] };
  const names = new Set(of.map((p) => p.name));
  const { groups, refused } = dependencyGroups(run.model);
  const part = kind === 'filter' ? 'produces' : 'reads';
  const mine = ({ members }: (typeof groups)[number]): Parameter[] => [
    ...new Set(
      members
        .filter((m) => m.part === part && names.has(m.parameter.name))
        .map((m) => run.parameter(m.parameter.name)),
    ),
  ];
  const found = groups.flatMap((group) => {
    const parameters = mine(group);
    if (parameters.length === 0 || group.size < 2) return [];
    // What layers read is ranked by each reader in turn, what they make by all makers together.
    if (kind === 'channel') return parameters.map((p) => ({ name: p.name, of: [p] }));
    return [{ name: group.name, of: parameters }];
  });
  // A tensor that reads several groups, of a concatenation say, is pruned once.
  const targets = [...new Map(found.map((target) => [target.name, target])).values()];
  return {
    targets,
    refused: refused
      .filter((group) => mine(group).length > 0)
      .map((group) => ({ name: mine(group)[0].name, reason: group.reason })),
  };
}
