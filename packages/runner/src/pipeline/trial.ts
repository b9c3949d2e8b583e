import { dirname } from 'node:path';
import type { BackendTrial } from '@espalier/backend';
import { arrange, type Batch, createTrainer, disposeModel, listed, Run, type Tensors } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LoadedRecipe } from '../recipe/load.js';
import { isTrainStage } from '../recipe/schema.js';
import { firstBatch, loadData } from './data.js';
import { makeModel } from './model.js';
import { withOwnMeasures } from './own-measures.js';

/**
 * A short training of a recipe's model, by which `startBackend` tells a card from the CPU: the first training stage's
 * first batch again and again, without plugins. Undefined for a recipe that trains nothing. The data are loaded when
 * there is something to measure, and then once, for the run too. The batch is an example smaller than those of the run, so
 * that nothing is prepared for its shapes: what is measured changes no bit of the run.
 */
export function trialOf(
  { recipe, source }: LoadedRecipe,
  log: (line: string) => void = () => undefined,
): BackendTrial | undefined {
  const stage = recipe.stages.findIndex(isTrainStage);
  if (stage < 0) return undefined;
  let loading: ReturnType<typeof loadData> | undefined;
  return async ({ optimizers, recorder }) => {
    loading ??= withOwnMeasures({ recipe, source }).then((own) => loadData(own, dirname(source.file), log));
    const loaded = await loading;
    const model = await makeModel(recipe, dirname(source.file), loaded.inputShape);
    const given = await firstBatch(loaded.cut(model).training(stage));
    const batch = smaller(given);
    tf.dispose({ ...given } as tf.TensorContainer);
    const data = {
      size: listed(arrange(model, 'output', batch.labels))[0].shape[0],
      stepsPerEpoch: 1,
      *batches() {
        const { inputs, labels, weights } = batch;
        yield {
          inputs: each(inputs, tf.clone),
          labels: each(labels, tf.clone),
          ...(weights && { weights: tf.clone(weights) }),
        };
      },
    };
    const run = new Run(model);
    const trainer = await createTrainer(run, {
      data,
      epochs: Number.MAX_SAFE_INTEGER,
      ...(loaded.loss && { loss: loaded.loss }),
      ...(optimizers && { optimizers }),
      ...(recorder && { recorder }),
    });
    return {
      step: () => trainer.nextEpoch(),
      dispose() {
        trainer.dispose();
        run.dispose();
        disposeModel(model);
        tf.dispose({ ...batch } as tf.TensorContainer);
      },
    };
  };
}

/** A batch without its last example, where there are two. */
function smaller({ inputs, labels, weights }: Batch): Batch {
  const cut = <T extends tf.Tensor>(tensor: T): T => {
    const [size] = tensor.shape;
    return tf.slice(tensor, 0, Math.max(1, size - 1));
  };
  return { inputs: each(inputs, cut), labels: each(labels, cut), ...(weights && { weights: cut(weights) }) };
}

/** A tensor of each tensor. */
function each(tensors: Tensors, make: (tensor: tf.Tensor) => tf.Tensor): Tensors {
  if (tensors instanceof tf.Tensor) return make(tensors);
  if (Array.isArray(tensors)) return tensors.map(make);
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, make(tensor)]));
}
