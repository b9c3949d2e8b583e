import * as z from 'zod';

/** Under which a path counts: each of these other paths, which stand before it, has one of the values. */
const when = z
  .record(z.string(), z.unknown())
  .describe(
    'Counts only where other paths, which stand before it, have these values: a value, or a list of them.',
  )
  .optional();

/** Which values `espalier search` tries for one place of the recipe. */
const range = z.union([
  z.strictObject({
    from: z.number().describe('The least value.'),
    to: z.number().describe('The largest.'),
    scale: z.enum(['linear', 'log']).describe('Default linear.').optional(),
    integer: z.boolean().describe('Whole numbers alone. Default false.').optional(),
    when,
  }),
  z.strictObject({ choices: z.array(z.unknown()).min(1).describe('One of these values.'), when }),
]);

/** What a search tries, and by what it chooses. */
export const search = z
  .strictObject({
    strategy: z
      .enum(['random', 'quasi-random', 'halving', 'asynchronous-halving', 'tpe'])
      .describe('Default quasi-random.')
      .optional(),
    maxError: z
      .number()
      .min(0)
      .max(1)
      .describe(
        'The best trial has the fewest bytes among those with at most this error on the validation split.',
      )
      .optional(),
    bound: z
      .number()
      .describe('The same of another goal than accuracy: those that are at least this good.')
      .optional(),
    front: z
      .boolean()
      .describe(
        'Of tpe: look for the whole front of error, or goal, and bytes. Default false: for the best trial.',
      )
      .optional(),
    paths: z.record(z.string(), range).describe('What is tried where: plugins.prior.options.tau, …'),
  })
  .describe('What `espalier search` varies.');

export type Search = z.infer<typeof search>;
