import { dirname } from 'node:path';
import type { BackendTrial } from '@espalier/backend';
import { createTrainer, disposeModel, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LoadedRecipe } from '../recipe/load.js';
import { isTrainStage } from '../recipe/schema.js';
import { loadData } from './data.js';
import { makeModel } from './model.js';

/**
 * A short training of a recipe's model, by which `startBackend` tells a card from the CPU: the first training stage's
 * first batch again and again, without plugins. Undefined for a recipe that trains nothing. The data are loaded when
 * there is something to measure, and then once.
 */
export function trialOf({ recipe, source }: LoadedRecipe): BackendTrial | undefined {
  const stage = recipe.stages.findIndex(isTrainStage);
  if (stage < 0) return undefined;
  let loading: ReturnType<typeof loadData> | undefined;
  return async ({ optimizers }) => {
    loading ??= loadData(recipe, () => undefined);
    const loaded = await loading;
    const model = await makeModel(recipe, dirname(source.file), loaded.inputShape);
    const [batch] = loaded.cut(model).training(stage).batches(0);
    const { inputs, labels } = batch;
    const data = {
      size: labels.shape[0],
      stepsPerEpoch: 1,
      *batches() {
        const copy = Array.isArray(inputs) ? inputs.map((x) => tf.clone(x)) : tf.clone(inputs);
        yield { inputs: copy, labels: tf.clone(labels) };
      },
    };
    const run = new Run(model);
    const trainer = await createTrainer(run, {
      data,
      epochs: Number.MAX_SAFE_INTEGER,
      ...(recipe.loss && { loss: recipe.loss }),
      ...(optimizers && { optimizers }),
    });
    return {
      step: () => trainer.nextEpoch(),
      dispose() {
        trainer.dispose();
        run.dispose();
        disposeModel(model);
        tf.dispose([inputs, labels]);
      },
    };
  };
}
