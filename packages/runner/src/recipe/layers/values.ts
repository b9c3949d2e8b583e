import * as z from 'zod';
import { families } from './factories.js';

const { Initializer, Regularizer, Constraint } = families;

const counted = 'expected a whole number >= 1';
const margin = z.int('expected a whole number >= 0').min(0, 'expected a whole number >= 0');

export const whole = z.int('expected a whole number');
export const count = z.int(counted).min(1, counted);
export const number = z.number('expected a number');
export const atLeastZero = z.number('expected a number >= 0').min(0, 'expected a number >= 0');
export const flag = z.boolean('expected true or false').optional();
export const momentum = z
  .number('expected a number in [0, 1]')
  .min(0, 'expected a number in [0, 1]')
  .max(1, 'expected a number in [0, 1]');
/** A share that is left out at random. */
export const share = z
  .number('expected a number in [0, 1)')
  .min(0, 'expected a number in [0, 1)')
  .lt(1, 'expected a number in [0, 1)');
/** One number for all `n` axes, or one for each. */
export const each = (n: number) => z.union([count, z.array(count).length(n)]);
export const axes = z.union([whole, z.array(whole).min(1)]);
export const margins = z.union([
  margin,
  z.array(margin).length(2),
  z.array(z.array(margin).length(2)).length(2),
]);
export const interpolation = z.enum(['nearest', 'bilinear']).optional();
export const dataFormat = { dataFormat: z.enum(['channelsFirst', 'channelsLast']).optional() };
export const padding = z.enum(['valid', 'same']).optional();

/** Those that TF.js can read again; its `gelu_new` it cannot. */
const activations = [
  'elu',
  'gelu',
  'hardSigmoid',
  'linear',
  'logSoftmax',
  'mish',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'swish',
  'tanh',
] as const;
export const activation = z.enum(activations).meta({ id: 'activation' });

/** An option that would change nothing, or that nothing could follow. */
export const refused = (why: string) => z.never(why).optional();

/** How a weight starts, and what is added to the loss for it, or enforced after each step. */
export function weight<N extends string>(
  name: N,
): Readonly<Record<`${N}${'Initializer' | 'Regularizer' | 'Constraint'}`, z.ZodType>> {
  return {
    [`${name}Initializer`]: Initializer.schema.optional(),
    [`${name}Regularizer`]: Regularizer.schema.optional(),
    [`${name}Constraint`]: Constraint.schema.optional(),
  } as never;
}
