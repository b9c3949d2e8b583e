import { type LossName, lossNames, type OwnLoss } from '@espalier/core';
import { type MetricName, metricNames, type OwnMetric } from '@espalier/metrics';
import * as z from 'zod';

/** A function, as recipes in code may have it. */
const code = <T>(): z.ZodType<T> => z.custom<T>((value) => typeof value === 'function', 'expected a name');

const lossName = z.enum(lossNames as [LossName, ...LossName[]]);

const lossOptions = z.strictObject({
  name: lossName.describe('Which loss.'),
  weight: z.number().positive().describe('Its part in the sum over several outputs. Default 1.').optional(),
  smoothing: z
    .number()
    .min(0)
    .lt(1)
    .describe(
      'Of labels that are classes, or there or not: so much is taken from each and divided among all. Default 0.',
    )
    .optional(),
  classWeights: z
    .array(z.number().min(0))
    .describe('How much examples of each class count; of a binary loss, of 0 and of 1. Default: all alike.')
    .optional(),
  ignore: z
    .int()
    .describe(
      'Of several classes: positions with this label fill up a sequence, and count neither for the loss nor for any metric; a class from 0, or of labels that are numbers of classes another one, such as -1. Default: all count.',
    )
    .optional(),
  delta: z.number().positive().describe('Of huber: up to which error it is a square. Default 1.').optional(),
});

const ownUse = (what: string): z.ZodObject<{ use: z.ZodString }, z.core.$strict> =>
  z.strictObject({
    use: z
      .string()
      .describe(`A ${what} of a file or a package: './${what}.mjs#name', from the recipe's folder.`),
  });

const oneLoss = z.union([lossName, lossOptions, ownUse('loss'), code<OwnLoss>()]);

/** The losses of a recipe. */
export const losses = z
  .union([oneLoss, z.array(oneLoss).min(1), z.record(z.string(), oneLoss)])
  .describe(
    'For all outputs, or for each: a list, or by the names of the output layers. Default: categoricalCrossentropy; of numbers, meanSquaredError.',
  );

const metricName = z.union([
  z.enum(metricNames as [MetricName, ...MetricName[]]),
  z.templateLiteral(['top', z.int().min(1)]),
]);

const metricOptions = z.strictObject({
  name: metricName.describe('Which metric.'),
  k: z
    .int()
    .min(1)
    .describe('Of topK: how many of the highest outputs. Default 5; top3 is of three.')
    .optional(),
  average: z
    .enum(['macro', 'micro', 'weighted'])
    .describe(
      'Of precision, recall, f1, iou, dice: how the classes become one number. Default macro, their mean.',
    )
    .optional(),
  class: z
    .union([z.int().min(0), z.string()])
    .describe('Of the same: of this class alone, by its number from 0 or by its name.')
    .optional(),
  peak: z
    .number()
    .positive()
    .describe('Of psnr and ssim: the difference between white and black. Default 1.')
    .optional(),
});

const oneMetric = z.union([metricName, metricOptions, ownUse('metric'), code<OwnMetric>()]);

/** The metrics of a recipe. */
export const metrics = z
  .union([z.array(oneMetric).min(1), z.record(z.string(), z.array(oneMetric).min(1))])
  .describe(
    'What is measured besides the loss: of all outputs that each fits, or by the names of the output layers. Default: accuracy; of numbers, rmse.',
  );

/** The goal of a recipe. */
export const goal = z
  .union([
    z.string().min(1),
    z.strictObject({
      metric: z.string().min(1).describe('The metric, or loss; of one output of several output/metric.'),
      better: z
        .enum(['higher', 'lower'])
        .describe('Of a metric that is a function. Default: what is known of the metric.')
        .optional(),
    }),
  ])
  .describe(
    "By which of the metrics, or the loss, models are compared: keepBest, earlyStopping, search, sensitivity and the report follow it; 'output/metric' of one output of several. Default: accuracy; of numbers, the loss.",
  );
