import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EspalierError, unknownName } from './errors.js';
import type { Task } from './loss/options.js';
import type { ResolvedLosses } from './losses.js';

/** Which values of a metric are better. */
export type Better = 'higher' | 'lower';

/** What a metric sees of one output of a batch. */
export interface MetricInput {
  /** As the data have them: classes are one-hot rows or numbers, see `labelRows` and `labelClasses`. */
  readonly labels: tf.Tensor;
  /** As the model gives them. */
  readonly outputs: tf.Tensor;
  /** Before the output activation, where the loss takes it over. */
  readonly logits?: tf.Tensor;
  /** 1 where a position counts and 0 where it only fills up, `[positions]`, as the loss's `ignore` says; absent: all count. */
  readonly kept?: tf.Tensor;
  /** What the labels are, as the loss says. */
  readonly task: Task;
  /** Of labels that are there or not: above what an output says that they are. Such labels are above one half. */
  readonly threshold: number;
}

/** One measurement over a set: numbers of each batch are added, and the value is that of the whole set. */
export interface Measurement {
  /** The tensors of a batch whose numbers are needed. Called within a tidy. */
  look(input: MetricInput): readonly tf.Tensor[];
  /** Takes their numbers, row-major. @param weights - How much each example counts; absent: all alike. */
  add(seen: readonly Float32Array[], weights: Float32Array | undefined): void;
  /** Of all that was added; NaN where it says nothing. */
  value(): number;
  /** The same of each class, where it has one. */
  perClass?(): readonly number[];
}

/** What models are measured by; `@espalier/metrics` has those with a name, and you may write others. */
export interface Metric {
  readonly name: string;
  /** Absent where only its author knows: whoever makes it the goal says so. */
  readonly better?: Better;
  /** How it is shown: a share in [0, 1] as a percentage. */
  readonly unit?: 'share' | 'dB' | 'bits';
  /** Why it says nothing of such an output, with the shape of its batches; undefined where it does. */
  refuses?(task: Task, shape: readonly (number | null)[]): string | undefined;
  start(): Measurement;
}

/** Metrics of every output that they fit, or of each by the names of the output layers. */
export type Metrics = readonly Metric[] | Readonly<Record<string, readonly Metric[]>>;

function refused({ name }: Metric, why: string): EspalierError {
  return new EspalierError('invalid-option', `The metric ${name} does not fit: ${why}.`, {
    remedy: 'Leave it out, or choose another.',
  });
}

/**
 * The metrics of each output, in the model's order.
 *
 * @throws EspalierError `invalid-option` for one that says nothing of its outputs, or that is there twice; `unknown-name` for
 *   an output that the model does not have
 */
export function resolveMetrics(
  metrics: Metrics,
  model: LayersModel,
  { each }: ResolvedLosses,
): readonly (readonly Metric[])[] {
  const refuses = (metric: Metric, i: number): string | undefined =>
    metric.refuses?.(each[i].task, model.outputs?.[i]?.shape ?? []);
  const list = Array.isArray(metrics) ? (metrics as readonly Metric[]) : undefined;
  for (const group of list ? [list] : Object.values(metrics)) checkTwice(group);
  if (list) {
    for (const metric of list) {
      const reasons = each.map((_, i) => refuses(metric, i));
      if (!reasons.includes(undefined)) throw refused(metric, reasons[0] as string);
    }
    return each.map((_, i) => list.filter((metric) => refuses(metric, i) === undefined));
  }
  const named = metrics as Readonly<Record<string, readonly Metric[]>>;
  const names = model.outputNames;
  const unknown = Object.keys(named).find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownName('output of the model', unknown, names);
  return each.map((_, i) => {
    const own = Object.hasOwn(named, names[i]) ? named[names[i]] : [];
    for (const metric of own) {
      const reason = refuses(metric, i);
      if (reason !== undefined) throw refused(metric, reason);
    }
    return own;
  });
}

function checkTwice(metrics: readonly Metric[]): void {
  const names = metrics.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new EspalierError('invalid-option', `There are two metrics '${twice}'.`, {
    remedy: 'Leave one out, or give it another name.',
  });
}
