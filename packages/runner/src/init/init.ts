import { existsSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { disposeModel, EspalierError, Run } from '@espalier/core';
import type { DataSource } from '@espalier/datasets';
import { plainSource } from '@espalier/yaml';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { makeSource, withSource } from '../pipeline/data.js';
import { writeWhole } from '../pipeline/files.js';
import { makeModel } from '../pipeline/model.js';
import type { MeasuredRecipe } from '../pipeline/own-measures.js';
import { Plugins } from '../pipeline/plugins.js';
import { checkStages, prepareStages } from '../pipeline/prepare.js';
import { resolveRecipe } from '../recipe/load.js';
import { moved } from '../recipe/moved.js';
import type { Recipe } from '../recipe/schema.js';
import { recipeText } from '../recipe/text.js';
import { layersFor } from './layers.js';
import { lookAt } from './look.js';
import type { Looked } from './looked.js';
import { type Ask, type Flags, Questions } from './questions.js';
import { type Goal, goals, stagesFor } from './stages.js';

/** How a recipe is begun. */
export interface InitOptions {
  readonly flags: Flags;
  /** Asks a person what no flag answers. */
  readonly ask?: Ask;
  readonly log: (line: string) => void;
}

/** Matrices, by the last names of parameters. */
const matrices = ['kernel', 'recurrent_kernel', 'depthwise_kernel', 'pointwise_kernel', 'embeddings'];

/** Steps of the first stage: about a minute of a small model on a CPU, of numbers far less. */
function stepsOf({ inputs }: DataSource): number {
  return inputs.every(({ shape }) => shape.length === 1) ? 1500 : 200;
}

function epochsOf(given: string | undefined, source: DataSource, batchSize: number): number {
  if (given !== undefined) {
    const epochs = Number(given);
    if (Number.isInteger(epochs) && epochs >= 1) return epochs;
    throw new EspalierError('invalid-option', `--epochs is ${given}.`, {
      remedy: 'Give a whole number >= 1.',
    });
  }
  const steps = Math.ceil(source.batches('train', { batchSize }).size / batchSize);
  return Math.max(3, Math.min(60, Math.round(stepsOf(source) / steps)));
}

/** About a tenth of the examples, a power of two from 4 to 64. */
function batchSizeOf(source: DataSource): number {
  const { size } = source.batches('train', { batchSize: 1 });
  return 2 ** Math.max(2, Math.min(6, Math.floor(Math.log2(size / 10))));
}

/** Pictures as a model takes them. */
function sized(looked: Looked, model: LayersModel | undefined): Looked {
  const shape = model?.inputs[0].shape.slice(1) ?? [];
  if (!Object.hasOwn(looked.data, 'images') || shape.length !== 3) return looked;
  const [height, width, channels] = shape;
  const size = height === null || width === null ? {} : { size: [height, width] };
  return {
    data: { ...looked.data, ...size, ...(channels === 1 && { channels }) },
    notes: [...looked.notes, 'pictures are in [0, 1]: see scale, if the model was trained on others'],
  };
}

/** Labels that were saved as floats are classes where the model ends in several units. */
function classesOf(source: DataSource, model: LayersModel | undefined): { readonly classes?: number } {
  const units = model?.outputs.length === 1 ? model.outputs[0].shape.at(-1) : undefined;
  const [label, ...others] = source.labels;
  const floats = others.length === 0 && label.numbers === true && label.shape.join() === '1';
  return floats && units != null && units > 1 ? { classes: units } : {};
}

/** Texts that are all short are not filled up to more than the longest has. */
async function lengthOf(source: DataSource): Promise<{ readonly length?: number }> {
  if (source.encoding?.kind !== 'text') return {};
  const [length] = source.inputs[0].shape;
  let longest = 1;
  for await (const { inputs, labels } of source.batches('train', { batchSize: 256 }).batches(0)) {
    const ids = (inputs as tf.Tensor).dataSync();
    for (let i = 0; i < ids.length; i++) if (ids[i] !== 0) longest = Math.max(longest, (i % length) + 1);
    tf.dispose([inputs, labels] as tf.TensorContainer);
  }
  const needed = 8 * Math.ceil(longest / 8);
  return needed < length ? { length: needed } : {};
}

const nameOf = (path: string): string => basename(path.split('#')[0], extname(path.split('#')[0])) || 'mine';

/** Makes sure that a recipe runs, without running it. @throws EspalierError, DatasetError: what is wrong, in one sentence */
async function tryOut(recipe: Recipe, source: DataSource, folder: string, file: string): Promise<void> {
  const loaded = resolveRecipe(recipe, plainSource(file));
  const plugins = await Plugins.of(loaded);
  const stages = await prepareStages(loaded, plugins);
  const data = withSource(loaded.recipe as MeasuredRecipe, source);
  const model = await makeModel(loaded.recipe, folder, data.inputShape);
  const cut = data.cut(model);
  const run = new Run(model);
  await checkStages(loaded.source, stages, run, (index) => cut.training(index).stepsPerEpoch);
  run.dispose();
  disposeModel(model);
}

/**
 * Looks at data, asks what it cannot see, and writes a recipe that runs.
 *
 * @returns The recipe's file.
 * @throws EspalierError `invalid-option` with the flag that is missing, `out-taken` for a recipe that is there; what is wrong with data
 *   or model
 */
export async function initRecipe({ flags, ask, log }: InitOptions): Promise<string> {
  const questions = new Questions(flags, ask);
  const path = await questions.answer({
    flag: 'data',
    text: 'Where are your data (a .csv or .tsv, a folder of pictures, .npy, .jsonl or .txt)',
  });
  const found = await lookAt(path, questions);
  const file = await questions.answer({
    flag: 'model',
    text: 'A model to start from (model.json, .esp, .keras, .h5)',
    otherwise: 'new',
  });
  const goal = (await questions.answer({
    flag: 'goal',
    text: 'What matters: the size of the file, or the speed of the model',
    choices: goals,
    otherwise: 'size',
  })) as Goal;
  const out = await questions.answer({
    flag: 'out',
    text: 'Where shall the recipe be written',
    otherwise: 'recipe.yaml',
  });
  if (existsSync(out)) {
    throw new EspalierError('out-taken', `${out} is there already; nothing was overwritten.`, {
      remedy: 'Choose another --out.',
    });
  }
  log('Reading the data');
  const name = nameOf(path);
  const given = file === 'new' ? undefined : await makeModel({ model: file, name } as Recipe, '.', []);
  const looked = sized(found, given);
  const whole = await makeSource(looked.data as never, { seed: 1, log });
  const also = {
    ...(await lengthOf(whole)),
    ...(Object.hasOwn(looked.data, 'inputs') && classesOf(whole, given)),
  };
  const data = { ...looked.data, ...also };
  const source = Object.keys(also).length > 0 ? await makeSource(data as never, { seed: 1, log }) : whole;
  const batchSize = batchSizeOf(source);
  const epochs = epochsOf(flags.epochs, source, batchSize);
  const made = { name, seed: 1, data, model: given ? file : { layers: layersFor(source) } };
  const model = given ?? (await makeModel(made as never, '.', source.inputs[0].shape));
  const names = new Set(
    model.trainableWeights.map((weight) => weight.originalName.split('/').at(-1) as string),
  );
  disposeModel(model);
  const recipe = {
    ...made,
    data: { ...data, batchSize },
    stages: stagesFor({
      goal,
      epochs,
      trained: given !== undefined,
      matrices: matrices.filter((m) => names.has(m)),
    }),
  } as unknown as Recipe;
  const folder = dirname(resolve(out));
  const there = moved(recipe, '.', folder);
  await tryOut(there, source, folder, out);
  const notes = [...looked.notes, ...source.notes];
  for (const note of notes) log(note);
  const comments = [
    'Written by `espalier init`. All keys: https://github.com/espalier-js/espalier/blob/main/docs/recipe.md',
    ...notes,
  ];
  await writeWhole(
    out,
    `${comments.map((line) => `# ${line.replaceAll('\n', ' ')}\n`).join('')}${recipeText(there)}`,
  );
  return out;
}
