import { type Batch, type Data, EspalierError, hash, type Losses } from '@espalier/core';
import {
  type BatchesOptions,
  builtIn,
  type DataSource,
  type Described,
  type FactoryContext,
  fromArrays,
  fromCsv,
  fromImages,
  fromOwn,
  fromText,
  type OwnSource,
} from '@espalier/datasets';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type DataUse, formOf } from '../recipe/data-schema.js';
import { isTrainStage } from '../recipe/schema.js';
import { called, factoryNamed } from './factories.js';
import { fitsInput } from './input-shapes.js';
import { fitsOutput, type Shape, usualLoss } from './label-shapes.js';
import type { MeasuredRecipe } from './own-measures.js';

/** The data of a recipe, loaded. */
export interface LoadedData {
  readonly source: DataSource;
  /** The shape of one example as it comes. */
  readonly inputShape: readonly number[];
  /** What the labels stand for: classes, or the characters of a text. None where they are no classes of one output. */
  readonly classes: readonly string[];
  /** Is it text, so that a loss of 1 nat is 1 / ln 2 bits for each character? */
  readonly characters: boolean;
  /** The recipe's, or what the labels ask for. */
  readonly loss: Losses | undefined;
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
/** Most numbers of a batch that is measured on. */
const evaluationNumbers = 2 ** 25;

/** The batch size of a stage, and the seed of its order. */
function batching(
  { data, seed = 0, stages }: MeasuredRecipe,
  index: number,
): { batchSize: number; shuffle: number } {
  const stage = stages[index];
  const common = typeof data === 'function' ? undefined : data.batchSize;
  return {
    batchSize: (isTrainStage(stage) ? stage.batchSize : undefined) ?? common ?? 128,
    shuffle: hash(seed, index) & 0x7fffffff,
  };
}

/** A part of a source, and what of the model it is for: by its name, or by its place. */
function matched(
  names: readonly string[],
  shapes: readonly Shape[],
  parts: readonly Described[],
): readonly Shape[] | undefined {
  if (parts.length !== shapes.length) return undefined;
  if (parts.some(({ name }) => name === undefined)) return shapes;
  const places = parts.map(({ name }) => names.indexOf(name as string));
  return places.includes(-1) ? undefined : places.map((place) => shapes[place]);
}

const told = (parts: readonly Described[]): string =>
  parts.map(({ name, shape }) => `${name === undefined ? '' : `${name} `}[${shape}]`).join(' and ');

/** A model that takes or gives something else than the data have would fail in the first step. */
function checkModel(
  model: LayersModel,
  { inputs, labels, name }: DataSource,
  losses: Losses | undefined,
): readonly Shape[] {
  const outputs = model.outputs.map(({ shape }) => shape.slice(1));
  const wanted = matched(model.outputNames, outputs, labels);
  if (!wanted?.every((shape, i) => fitsOutput(model, shape, labels[i].shape, losses))) {
    const [label] = labels;
    const [units] = outputs[0] ?? [];
    const floats =
      labels.length === 1 && label.numbers === true && label.shape.join() === '1' && Number(units) > 1;
    const given = outputs.map((shape) => `[${shape}]`).join(' and ');
    throw new EspalierError(
      'bad-model',
      `The model gives ${given} for an example; ${name} has labels ${told(labels)}.`,
      {
        remedy: floats
          ? `If the labels are classes that were saved as floats, say how many: classes: ${units}. If they are numbers, let it end in a layer of 1 unit.`
          : labels.length > 1
            ? `Let it have ${labels.length} outputs of these shapes${label.name === undefined ? '' : ', named so'}.`
            : `Let it end in a layer of ${label.shape.at(-1)} unit${label.shape.at(-1) === 1 ? '' : 's'}${outputs[0]?.length > label.shape.length ? ", after a 'flatten: {}' if its inputs are images" : ''}.`,
      },
    );
  }
  const taken = model.inputs.map(({ shape }) => shape.slice(1));
  const shapes = matched(model.inputNames, taken, inputs);
  const width = labels[0].shape.length > inputs[0].shape.length ? labels[0].shape.at(-1) : undefined;
  if (shapes?.every((shape, i) => fitsInput(shape, inputs[i].shape, width))) return shapes;
  const names = taken
    .map((shape, i) => `${taken.length > 1 ? `${model.inputNames[i]} ` : ''}[${shape}]`)
    .join(' and ');
  throw new EspalierError(
    'bad-model',
    `The model takes ${names} for an example; ${name} has ${told(inputs)}.`,
    {
      remedy:
        shapes === undefined
          ? 'Name them so, or give them as a list in the order of the model.'
          : "Let its first layer have the data's shape as 'inputShape', or bring the data into the model's.",
    },
  );
}

/** The names of the classes of each output of several: by its own name. */
export function outputClasses(
  labels: DataSource['labels'],
  outputs: readonly string[],
): Record<string, readonly string[]> {
  if (labels.length < 2) return {};
  return Object.fromEntries(
    labels.flatMap(({ name, classes }, i) => (classes ? [[name ?? outputs[i], classes]] : [])),
  );
}

/** A part to measure on. @throws EspalierError `bad-data` where there is nothing in it */
function filled(source: DataSource, part: 'validation' | 'test', options: BatchesOptions): Data {
  const data = source.batches(part, options);
  if (data.size > 0) return data;
  throw new EspalierError('bad-data', `${source.name} has no example for ${part}.`, {
    remedy: `Give it a share, ${part}: 0.1, or a file of its own.`,
  });
}

/** A source as a recipe's stages use it. */
export function withSource(recipe: MeasuredRecipe, source: DataSource): LoadedData {
  const { labels, inputs, characters = false } = source;
  const loss = recipe.loss ?? usualLoss(labels);
  return {
    source,
    inputShape: inputs[0].shape,
    classes: labels.length === 1 ? (labels[0].classes ?? []) : [],
    characters,
    loss,
    cut(model) {
      const shapes = checkModel(model, source, loss) as readonly (readonly number[])[];
      const numbers = [...inputs, ...labels].reduce(
        (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
        0,
      );
      const fitting = Math.max(1, Math.floor(evaluationNumbers / numbers));
      const most = characters ? evaluationText : evaluationBatch;
      const evaluation = { shapes, batchSize: Math.min(most, fitting) };
      return {
        training: (index) => source.batches('train', { shapes, ...batching(recipe, index) }),
        get validation() {
          return filled(source, 'validation', evaluation);
        },
        get test() {
          return filled(source, 'test', evaluation);
        },
      };
    },
  };
}

/**
 * Makes the source that `data` names.
 *
 * @throws EspalierError, DatasetError: as the factories do
 */
export async function makeSource(data: DataUse, context: FactoryContext): Promise<DataSource> {
  if (typeof data === 'function') return fromOwn((await data()) as OwnSource, 'data', context);
  const { batchSize: _, ...given } = data;
  switch (formOf(given)) {
    case 'csv':
      return fromCsv(given as never, context);
    case 'images':
      return fromImages(given as never, context);
    case 'inputs':
      return fromArrays(given as never, context);
    case 'text':
      return fromText(given as never, context);
    case 'use': {
      const { use, options = {} } = given as { use: string | (() => unknown); options?: unknown };
      if (typeof use === 'function') return fromOwn((await use()) as OwnSource, 'data', context);
      const factory = await factoryNamed(use, context.folder ?? '.', './data.mjs#factory');
      return fromOwn((await called(use, factory, options)) as OwnSource, use, context);
    }
    default: {
      const { name, ...options } = given as { name: string };
      return builtIn(name)(options, context);
    }
  }
}

const sources = new WeakMap<object, { readonly seed: number; readonly source: Promise<DataSource> }>();

/**
 * Loads the data that a recipe names; of the same recipe, once.
 *
 * @param folder - The recipe's: its paths go from there.
 * @throws EspalierError, DatasetError: as the factories do
 */
export async function loadData(
  recipe: MeasuredRecipe,
  folder: string,
  log: (line: string) => void,
): Promise<LoadedData> {
  const { data, seed = 0 } = recipe;
  const known = sources.get(data);
  const source = known?.seed === seed ? known.source : makeSource(data, { seed, folder, log });
  sources.set(data, { seed, source });
  source.catch(() => sources.delete(data));
  return withSource(recipe, await source);
}

/** The first batch of an epoch. Whoever asks disposes of it. @throws EspalierError `bad-data` where there is none */
export async function firstBatch(data: Data): Promise<Batch> {
  for await (const batch of data.batches(0)) return batch;
  throw new EspalierError('bad-data', 'The data give no batch.');
}
