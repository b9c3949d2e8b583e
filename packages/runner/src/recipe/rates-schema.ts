import * as z from 'zod';

/** What is watched while a stage trains, its learning rate and its optimizer. */
export const metric = z
  .string()
  .min(1)
  .describe(
    'validationLoss, validationAccuracy, loss (of training), or one of the metrics. Default: the goal, or validationLoss.',
  );
export const better = z
  .enum(['higher', 'lower'])
  .describe('Default: what is known of the metric.')
  .optional();
const rate = z.number().positive();

const initial = rate.describe('At the start.');
const factor = rate.describe('What it is multiplied by.');
const final = z.number().describe('At the end. Default 0.').optional();
export const minDelta = z.number().describe('What counts as better, at least. Default 0.').optional();

export const learningRate = z
  .union([
    rate,
    z.strictObject({
      step: z
        .strictObject({ initial, every: rate.describe('Epochs.'), factor })
        .describe('Times `factor` every `every` epochs.'),
    }),
    z.strictObject({
      multiStep: z
        .strictObject({
          initial,
          milestones: z.array(z.number()).describe('Epochs.'),
          factors: z.union([rate, z.array(rate)]).describe('One for all, or one for each milestone.'),
        })
        .describe('Times the factor at each of the `milestones`, in epochs.'),
    }),
    z.strictObject({
      exponential: z.strictObject({ initial, factor }).describe('Times `factor` after every epoch.'),
    }),
    z.strictObject({
      polynomial: z
        .strictObject({ initial, final, power: rate.describe('Default 1.').optional() })
        .describe('From `initial` to `final` over the stage, as (1 - t)^`power`.'),
    }),
    z.strictObject({
      cosine: z
        .strictObject({
          initial,
          final,
          warmup: z.number().describe('Epochs in which it rises to `initial`. Default 0.').optional(),
        })
        .describe('Half a cosine from `initial` to `final`, after `warmup` epochs.'),
    }),
    z.strictObject({
      plateau: z
        .strictObject({
          initial,
          factor: rate.describe('Default 0.1.').optional(),
          patience: z.int().min(0).describe('Epochs. Default 10.').optional(),
          metric: metric.optional(),
          better,
          minDelta,
          minimum: z.number().describe('It does not fall below. Default 0.').optional(),
        })
        .describe('Times `factor` when `metric` has not improved by `minDelta` for `patience` epochs.'),
    }),
  ])
  .describe('A step size, or a schedule of one. Default 0.001.');

export const optimizer = z
  .union([
    z.enum(['adam', 'sgd']),
    z.strictObject({
      name: z.literal('adam').describe('Kingma & Ba 2015.'),
      beta1: z.number().describe('Decay of the mean of gradients. Default 0.9.').optional(),
      beta2: z.number().describe('Decay of the mean of their squares. Default 0.999.').optional(),
      epsilon: z.number().describe('Added to the root of that. Default 1e-7.').optional(),
    }),
    z.strictObject({
      name: z.literal('sgd').describe('Gradient descent.'),
      momentum: z.number().describe('Share of the last step that goes on. Default 0.').optional(),
      nesterov: z.boolean().describe('Looks ahead by the momentum. Default false.').optional(),
    }),
  ])
  .describe('Default adam.');
