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
  /** What the labels stand for: classes, or the characters of a text. */
  readonly classes: readonly string[];
  /** Is it text, so that a loss of 1 nat is 1 / ln 2 bits for each character? */
  readonly characters: boolean;
  /**
   * Cuts it into batches as a model and each stage want them.
   *
   * @throws EspalierError `bad-model` when its outputs are not of the labels' shape
   */
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

/** A model that gives something else for an example than the labels are would fail in the first step. */
function checkOutput(model: LayersModel, labels: readonly number[], data: string): void {
  const [output] = model.outputs;
  if (model.outputs.length === 1 && output.shape.slice(1).join() === labels.join()) return;
  const given = model.outputs.map(({ shape }) => `[${shape.slice(1)}]`).join(' and ');
  throw new EspalierError(
    'bad-model',
    `The model gives ${given} for an example; ${data} has labels [${labels}].`,
    {
      remedy: `Let it end in a layer of ${labels.at(-1)} units${output.shape.length > labels.length + 1 ? ", after a 'flatten: {}' if its inputs are images" : ''}.`,
    },
  );
}

function images(recipe: Recipe, dataset: Dataset): LoadedData {
  const { data } = recipe;
  return {
    inputShape: dataset.inputShape,
    classes: dataset.classes,
    characters: false,
    cut(model) {
      checkOutput(model, [dataset.classes.length], data.name);
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
    classes: alphabet,
    characters: true,
    cut(model) {
      checkOutput(model, [length, classCount], recipe.data.name);
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
