import type { Goal, Loss, Losses } from '@espalier/core';
import * as z from 'zod';
import { anyData } from './data-schema.js';
import { headSchema, layersSchema } from './layers/schema.js';
import { goal, losses, metrics } from './measures-schema.js';
import type { NamedMetric, OwnUse } from './own-use.js';
import { better, learningRate, metric, minDelta, optimizer } from './rates-schema.js';
import { search } from './search-schema.js';

/** Values a plugin factory takes; it checks them itself. */
const options = z.record(z.string(), z.unknown());

const selector = z
  .union([z.string(), z.array(z.string()).min(1)])
  .describe("Parameter names or globs, for example '**/kernel'; a leading ! takes away.");

const count = z.int().min(1);

/** Recipes in code may make things by functions where YAML names them. */
const made = z.custom<() => unknown>((value) => typeof value === 'function', 'expected a name');

/** Which plugin: a factory by package, made with options; or one of `plugins` by its id. */
const pluginFields = {
  use: z
    .union([z.string(), made])
    .describe("A factory, as 'package#factory': '@espalier/pruners#agp', or short 'pruners#agp'.")
    .optional(),
  options: options.describe('What the factory takes.').optional(),
  plugin: z.string().describe('The id of an entry of `plugins`, instead of `use`.').optional(),
  parameters: selector.optional(),
};

const schedule = z
  .strictObject({
    ...pluginFields,
    start: z.int().min(0).describe('First epoch, 0-based.').optional(),
    end: count.describe('The epoch after the last one.').optional(),
    every: z
      .union([count, z.strictObject({ steps: count.describe('Of training.') })])
      .describe('Fires every so many epochs, or steps.')
      .optional(),
  })
  .describe('A plugin bound to parameters and time.');

/** A stage that trains. */
export const trainStage = z.strictObject({
  name: z.string().min(1).describe('Of its own in the recipe.'),
  epochs: count.describe('How often it goes through the training data.'),
  batchSize: count.describe('Default: that of the data.').optional(),
  learningRate: learningRate.optional(),
  rateFactors: z
    .array(
      z.strictObject({
        parameters: selector,
        factor: z.number().min(0).describe('What the learning rate is multiplied by; 0 holds them.'),
      }),
    )
    .describe('Parameters that learn at another rate.')
    .optional(),
  freeze: selector
    .describe(
      "Layers that are not trained in this stage, by names or globs: [conv1, 'block_*']; a leading ! takes away.",
    )
    .optional(),
  optimizer: optimizer.optional(),
  schedules: z.array(schedule).describe('Plugins that act while it trains.').optional(),
  earlyStopping: z
    .strictObject({ metric: metric.optional(), better, patience: count.describe('Epochs.'), minDelta })
    .describe('Stops when the metric has not improved for so many epochs.')
    .optional(),
  keepBest: z
    .union([
      z.boolean(),
      z.strictObject({
        from: z.int().min(0).describe('The first epoch that may be the best, from 0. Default 0.').optional(),
      }),
    ])
    .describe('End with the weights of the best validated epoch, by the goal.')
    .optional(),
  continueSlots: z
    .boolean()
    .describe("Go on with the optimizer's momenta of the training stage before; thinning cuts them along.")
    .optional(),
});

/** A stage that applies one plugin once: prune, quantise or transform. */
export const applyStage = z.strictObject({
  name: z.string().min(1).describe('Of its own in the recipe.'),
  ...pluginFields,
});

const model = z
  .union([
    z
      .string()
      .describe(
        'An architecture: lenet-300-100, lenet-5, resnet-8; or the path of a model.json or .esp file.',
      ),
    z.strictObject({ layers: layersSchema }),
    z.strictObject({
      from: z.string().min(1).describe('A trained model: model.json, .keras, .h5 or .esp.'),
      until: z
        .string()
        .min(1)
        .describe('The layer after which it is cut off. Default: its last one.')
        .optional(),
      layers: headSchema.optional(),
    }),
    made,
  ])
  .describe('What is trained.');

const head = {
  name: z.string().min(1).describe('Names the run and its folder.'),
  seed: z.int().min(0).describe('Of initial weights, order of the data, dropout. Default 0.').optional(),
  model,
  loss: losses.optional(),
  metrics: metrics.optional(),
  goal: goal.optional(),
  plugins: z
    .record(
      z.string(),
      z.strictObject({
        use: z.string().describe('A factory, as in a schedule.'),
        options: options.describe('What the factory takes.').optional(),
      }),
    )
    .describe('Plugins that several stages share, by id.')
    .optional(),
  search: search.optional(),
  baseline: z
    .string()
    .describe('The stage after which the model counts as the dense one. Default: the first stage.')
    .optional(),
  encode: z
    .strictObject({
      effort: z
        .int()
        .min(0)
        .max(9)
        .describe('How hard to search for the smallest form. Default 9.')
        .optional(),
      small: z
        .boolean()
        .describe(
          'Take the small form of the file where it is smaller: for tiny nets of few values. Default false.',
        )
        .optional(),
      reorder: z
        .boolean()
        .describe(
          'Put hidden units in an order that packs smaller: the same function, but for the order in which floats are added up. Sequential models only. Default false.',
        )
        .optional(),
      size: count
        .describe(
          'What the file shall take, in bytes: training is steered to it, by a plugin that can be (ratePrior).',
        )
        .optional(),
      metadata: options.describe('Kept in the file as userDefinedMetadata.').optional(),
    })
    .describe('How the model is packed.')
    .optional(),
};

/** Everything but data and stages, which are checked by their kinds so that messages name the right one. */
export const recipeHead = z.strictObject({
  ...head,
  loss: z.unknown().optional(),
  metrics: z.unknown().optional(),
  data: z.union([z.record(z.string(), z.unknown()), made]),
  stages: z.array(z.record(z.string(), z.unknown())).min(1),
});

/** The whole recipe; the JSON schema for editors is made of it. */
export const recipeSchema = z.strictObject({
  ...head,
  data: anyData.describe('What it is trained and measured on.'),
  stages: z
    .array(z.union([trainStage, applyStage]))
    .min(1)
    .describe('What is done, one after the other: stages that train, and stages that apply one plugin once.'),
});

type Written = z.infer<typeof recipeSchema>;

/** A recipe that has been checked. */
export interface Recipe extends Omit<Written, 'loss' | 'metrics' | 'goal'> {
  readonly loss?: Losses | OwnUse | readonly (Loss | OwnUse)[] | Readonly<Record<string, Loss | OwnUse>>;
  readonly metrics?: readonly NamedMetric[] | Readonly<Record<string, readonly NamedMetric[]>>;
  readonly goal?: string | Goal;
}
export type { Search } from './search-schema.js';
export type TrainStage = z.infer<typeof trainStage>;
export type ApplyStage = z.infer<typeof applyStage>;
export type Stage = TrainStage | ApplyStage;
export type PluginUse = Pick<ApplyStage, 'use' | 'options' | 'plugin' | 'parameters'>;

export function isTrainStage(stage: Stage): stage is TrainStage {
  return 'epochs' in stage;
}
