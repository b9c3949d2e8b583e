import { type Data, EspalierError, hash } from '@espalier/core';
import {
  batches,
  type Dataset,
  loadDataset,
  loadText,
  sequences,
  type TextDataset,
  textNames,
} from '@espalier/datasets';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isTrainStage, type Recipe } from '../recipe/schema.js';

/** The data of a recipe, loaded. */
export interface LoadedData {
  /** The shape of one example as it comes. */
  readonly inputShape: readonly number[];
  /** Is it text, so that a loss of 1 nat is 1 / ln 2 bits for each character? */
  readonly characters: boolean;
  /** Cuts it into batches as a model and each stage want them. */
  cut(model: LayersModel): PreparedData;
}

/** Data cut into batches. */
export interface PreparedData {
  training(stage: number): Data;
  readonly validation: Data;
  readonly test: Data;
}

const evaluationBatch = 1000;
const evaluationText = 200; // sequences, each with a one-hot row per character

/** The batch size of a stage, and the seed of its order. */
function batching({ data, seed = 0, stages }: Recipe, index: number): { batchSize: number; shuffle: number } {
  const stage = stages[index];
  return {
    batchSize: (isTrainStage(stage) ? stage.batchSize : undefined) ?? data.batchSize ?? 128,
    shuffle: hash(seed, index) & 0x7fffffff,
  };
}

function images(recipe: Recipe, dataset: Dataset): LoadedData {
  const { data } = recipe;
  return {
    inputShape: dataset.inputShape,
    characters: false,
    cut(model) {
      const shape = model.inputs[0].shape.slice(1) as number[];
      const common = { ...(data.scale && { scale: data.scale }), shape };
      const augment = data.augment && { augment: data.augment };
      return {
        training: (index) => batches(dataset.train, { ...common, ...batching(recipe, index), ...augment }),
        validation: batches(dataset.validation, { ...common, batchSize: evaluationBatch }),
        test: batches(dataset.test, { ...common, batchSize: evaluationBatch }),
      };
    },
  };
}

/** Text as sequences of characters; a label is the character that comes next. */
function characters(recipe: Recipe, { alphabet, train, validation, test }: TextDataset): LoadedData {
  const { length = 64 } = recipe.data;
  const classCount = alphabet.length;
  return {
    inputShape: [length],
    characters: true,
    cut(model) {
      // An embedding takes ids [length], any other layer one-hot rows [length, characters].
      const common = { classCount, length, oneHotInputs: model.inputs[0].shape.length === 3 };
      return {
        training: (index) => sequences(train, { ...common, ...batching(recipe, index), dropRemainder: true }),
        validation: sequences(validation, { ...common, batchSize: evaluationText }),
        test: sequences(test, { ...common, batchSize: evaluationText }),
      };
    },
  };
}

function refuse(message: string, remedy: string): never {
  throw new EspalierError('bad-recipe', message, { remedy });
}

/**
 * Loads the data set or text that a recipe names.
 *
 * @throws EspalierError `bad-recipe` for what the data cannot be asked; DatasetError `unknown-name`
 */
export async function loadData(recipe: Recipe, log: (line: string) => void): Promise<LoadedData> {
  const { seed = 0, data } = recipe;
  const { name, validation, dir, length } = data;
  const where = { log, ...(dir !== undefined && { dir }) };
  if (textNames.includes(name)) {
    const image = (['scale', 'augment'] as const).find((key) => data[key] !== undefined);
    if (image !== undefined) refuse(`'${image}' has no meaning for text.`, 'It is for images; leave it out.');
    if (validation !== undefined && validation >= 1) {
      refuse(`validation is ${validation}.`, 'Of a text, give a share below 1.');
    }
    return characters(
      recipe,
      await loadText(name, { ...where, ...(validation !== undefined && { validation }) }),
    );
  }
  if (length !== undefined)
    refuse(`'length' has no meaning for ${name}.`, `It is for text: ${textNames.join(', ')}.`);
  return images(recipe, await loadDataset(name, { ...where, validation: validation ?? 0.1, seed }));
}
