import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Arranged, listed } from './arrange.js';
import { EspalierError, unknownName } from './errors.js';
import { withLogits } from './logits.js';
import type { Loss, LossOptions } from './loss/options.js';
import { checkUnits, type ResolvedLoss, resolveLoss } from './loss.js';

/** The loss of each output: one for all, a list in the model's order, or by the names of its output layers. */
export type Losses = Loss | readonly Loss[] | Readonly<Record<string, Loss>>;

/** The losses of a model's outputs, ready to use. */
export interface ResolvedLosses {
  /** One per output. */
  readonly each: readonly ResolvedLoss[];
  /** Their sum, each times its weight. */
  compute(labels: Arranged, outputs: Arranged, weights?: tf.Tensor): tf.Scalar;
  /** Runs a forward pass so that each output is as its loss wants it. */
  forward<T>(pass: () => T): T;
}

/** Is it one loss for all outputs, rather than losses by the names of outputs? One with options has a name itself. */
function isOne(losses: Losses, { outputNames }: LayersModel): losses is Loss {
  if (typeof losses !== 'object') return true;
  return typeof (losses as LossOptions).name === 'string' && !outputNames?.includes('name');
}

/** The loss of each output in the model's order. */
function inOrder(losses: Losses, model: LayersModel): readonly Loss[] {
  const { outputs, outputNames } = model;
  if (isOne(losses, model)) return outputs.map(() => losses);
  if (Array.isArray(losses)) {
    if (losses.length === outputs.length) return losses;
    throw new EspalierError(
      'invalid-option',
      `There are ${losses.length} losses, and the model has ${outputs.length} outputs.`,
      { remedy: 'Give one for each output, or one for all.' },
    );
  }
  const named = losses as Readonly<Record<string, Loss>>;
  const unknown = Object.keys(named).find((name) => !outputNames.includes(name));
  if (unknown !== undefined) throw unknownName('output of the model', unknown, outputNames);
  return outputNames.map((name) => {
    if (Object.hasOwn(named, name)) return named[name];
    throw new EspalierError('invalid-option', `There is no loss for the model's output '${name}'.`, {
      remedy: 'Give one for each output, or one for all.',
    });
  });
}

const times = ({ weight }: ResolvedLoss, value: tf.Scalar): tf.Scalar =>
  weight === 1 ? value : tf.mul(value, weight);

/**
 * The losses of a model's outputs.
 *
 * @throws EspalierError `unknown-name` for a loss or an output that does not exist, `invalid-option` where an output has none
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { evaluate, resolveLosses, resolveMetrics } from '@espalier/core';
 * import { mae, mse } from '@espalier/metrics';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'ones' })] });
 * const losses = resolveLosses('meanSquaredError', model);
 * const [metrics] = resolveMetrics([mae(), mse()], model, losses);
 * if (metrics.map(({ name }) => name).join() !== 'mae,mse') throw new Error('unexpected');
 * const batch = () => ({ inputs: tf.tensor2d([[1], [2]]), labels: tf.tensor2d([[2], [5]]) });
 * const data = { size: 2, stepsPerEpoch: 1, batches: () => [batch()] };
 * const measured = await evaluate(model, data, { loss: 'meanSquaredError', metrics: [mae(), mse()] });
 * if (measured.loss !== 5 || measured.metrics?.mae !== 2 || measured.metrics.mse !== 5) throw new Error('unexpected');
 * ```
 */
export function resolveLosses(losses: Losses, model: LayersModel): ResolvedLosses {
  // A sequential model that was not called has one output that it does not know yet.
  const all = model.outputs?.length > 1 || !isOne(losses, model) ? inOrder(losses, model) : [losses];
  const each = all.map((loss, i) => {
    checkUnits(loss as Loss, model, i);
    return resolveLoss(loss as Loss, model, all.length > 1 ? i : undefined);
  });
  const onLogits = each.flatMap((loss, i) => (loss.onLogits ? [i] : []));
  if (each.length === 1) {
    const [only] = each;
    return {
      each,
      compute: (labels, outputs, weights) =>
        times(only, only.compute(labels as tf.Tensor, outputs as tf.Tensor, weights)),
      forward: (pass) => (only.onLogits ? withLogits(model, pass) : pass()),
    };
  }
  return {
    each,
    compute: (labels, outputs, weights) =>
      tf.addN(
        listed(outputs).map((output, i) =>
          times(each[i], each[i].compute(listed(labels)[i], output, weights)),
        ),
      ) as tf.Scalar,
    forward: (pass) => withLogits(model, pass, onLogits),
  };
}
