import { dirname } from 'node:path';
import type { BackendTrial } from '@espalier/backend';
import { arrange, createTrainer, disposeModel, listed, Run, type Tensors } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LoadedRecipe } from '../recipe/load.js';
import { isTrainStage } from '../recipe/schema.js';
import { firstBatch, loadData } from './data.js';
import { makeModel } from './model.js';
import { withOwnMeasures } from './own-measures.js';

/**
 * A short training of a recipe's model, by which `startBackend` tells a card from the CPU: the first training stage's
 * first batch again and again, without plugins. Undefined for a recipe that trains nothing. The data are loaded when
 * there is something to measure, and then once.
 */
export function trialOf({ recipe, source }: LoadedRecipe): BackendTrial | undefined {
  const stage = recipe.stages.findIndex(isTrainStage);
  if (stage < 0) return undefined;
  let loading: ReturnType<typeof loadData> | undefined;
  return async ({ optimizers, recorder }) => {
    loading ??= withOwnMeasures({ recipe, source }).then((own) =>
      loadData(own, dirname(source.file), () => undefined),
    );
    const loaded = await loading;
    const model = await makeModel(recipe, dirname(source.file), loaded.inputShape);
    const batch = await firstBatch(loaded.cut(model).training(stage));
    const data = {
      size: listed(arrange(model, 'output', batch.labels))[0].shape[0],
      stepsPerEpoch: 1,
      *batches() {
        const { inputs, labels, weights } = batch;
        yield {
          inputs: copied(inputs),
          labels: copied(labels),
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

/** The tensors of a batch once more. */
function copied(tensors: Tensors): Tensors {
  if (tensors instanceof tf.Tensor) return tf.clone(tensors);
  if (Array.isArray(tensors)) return tensors.map((tensor) => tf.clone(tensor));
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.clone(tensor)]));
}
