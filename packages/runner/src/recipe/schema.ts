import type { Goal, Loss, Losses } from '@espalier/core';
import * as z from 'zod';
import { anyData } from './data-schema.js';
import { headSchema, layersSchema } from './layers/schema.js';
import { goal, losses, metrics } from './measures-schema.js';
import type { NamedMetric, OwnUse } from './own-use.js';
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
      .union([count, z.strictObject({ steps: count })])
      .describe('Fires every so many epochs, or steps.')
      .optional(),
  })
  .describe('A plugin bound to parameters and time.');

const metric = z
  .string()
  .min(1)
  .describe(
    'validationLoss, validationAccuracy, loss (of training), or one of the metrics. Default: the goal, or validationLoss.',
  );
const better = z.enum(['higher', 'lower']).describe('Default: what is known of the metric.').optional();
const rate = z.number().positive();

const learningRate = z
  .union([
    rate,
    z.strictObject({ step: z.strictObject({ initial: rate, every: rate, factor: rate }) }),
    z.strictObject({
      multiStep: z.strictObject({
        initial: rate,
        milestones: z.array(z.number()),
        factors: z.union([rate, z.array(rate)]),
      }),
    }),
    z.strictObject({ exponential: z.strictObject({ initial: rate, factor: rate }) }),
    z.strictObject({
      polynomial: z.strictObject({ initial: rate, final: z.number().optional(), power: rate.optional() }),
    }),
    z.strictObject({
      cosine: z.strictObject({ initial: rate, final: z.number().optional(), warmup: z.number().optional() }),
    }),
    z.strictObject({
      plateau: z.strictObject({
        initial: rate,
        factor: rate.optional(),
        patience: z.int().min(0).optional(),
        metric: metric.optional(),
        better,
        minDelta: z.number().optional(),
        minimum: z.number().optional(),
      }),
    }),
  ])
  .describe('A step size, or a schedule of one.');

const optimizer = z
  .union([
    z.enum(['adam', 'sgd']),
    z.strictObject({
      name: z.literal('adam'),
      beta1: z.number().optional(),
      beta2: z.number().optional(),
      epsilon: z.number().optional(),
    }),
    z.strictObject({
      name: z.literal('sgd'),
      momentum: z.number().optional(),
      nesterov: z.boolean().optional(),
    }),
  ])
  .describe('Default adam.');

/** A stage that trains. */
export const trainStage = z.strictObject({
  name: z.string().min(1),
  epochs: count,
  batchSize: count.optional(),
  learningRate: learningRate.optional(),
  rateFactors: z.array(z.strictObject({ parameters: selector, factor: z.number().min(0) })).optional(),
  freeze: selector
    .describe(
      "Layers that are not trained in this stage, by names or globs: [conv1, 'block_*']; a leading ! takes away.",
    )
    .optional(),
  optimizer: optimizer.optional(),
  schedules: z.array(schedule).optional(),
  earlyStopping: z
    .strictObject({ metric: metric.optional(), better, patience: count, minDelta: z.number().optional() })
    .describe('Stops when the metric has not improved for so many epochs.')
    .optional(),
  keepBest: z
    .union([z.boolean(), z.strictObject({ from: z.int().min(0).optional() })])
    .describe('End with the weights of the best validated epoch, by the goal.')
    .optional(),
  continueSlots: z
    .boolean()
    .describe("Go on with the optimizer's momenta of the training stage before; thinning cuts them along.")
    .optional(),
});

/** A stage that applies one plugin once: prune, quantise or transform. */
export const applyStage = z.strictObject({ name: z.string().min(1), ...pluginFields });

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
    .record(z.string(), z.strictObject({ use: z.string(), options: options.optional() }))
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
      reorder: z
        .boolean()
        .describe(
          'Put hidden units in an order that packs smaller: the same function, but for the order in which floats are added up. Sequential models only. Default false.',
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
  stages: z.array(z.union([trainStage, applyStage])).min(1),
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
