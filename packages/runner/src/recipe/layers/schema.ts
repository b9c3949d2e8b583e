import * as z from 'zod';
import { one } from './factories.js';
import { layerTable } from './table.js';
import { count, flag } from './values.js';

/** One layer as a recipe writes it: the name of a `tf.layers` function and its configuration. */
export type LayerSpec = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type Kind = keyof typeof layerTable;
const kinds = Object.keys(layerTable) as Kind[];

const cells = ['simpleRNNCell', 'gruCell', 'lstmCell', 'convLstm2dCell', 'stackedRNNCells'] as const;
const overTime = ['simpleRNN', 'gru', 'lstm', 'rnn'] as const;
const joining = ['add', 'average', 'concatenate', 'dot', 'maximum', 'minimum', 'multiply'] as const;
const isOneOf = <T extends string>(list: readonly T[], kind: string): kind is T =>
  (list as readonly string[]).includes(kind);

const common = { name: z.string().min(1).optional(), trainable: flag };

/** What a wrapper wraps. */
const inner: Readonly<Partial<Record<Kind, Record<string, z.ZodType>>>> = {
  rnn: { cell: z.lazy(() => z.union([cell, z.array(cell).min(1)])) },
  stackedRNNCells: { cells: z.lazy(() => z.array(cell).min(1)) },
  bidirectional: { layer: z.lazy(() => recurrent) },
  timeDistributed: { layer: z.lazy(() => layerSpec) },
};

const shapeOf = (chosen: readonly Kind[], more: Record<string, z.ZodType> = {}): Record<string, z.ZodType> =>
  Object.fromEntries(
    chosen.map((kind) => [kind, z.strictObject({ ...common, ...more, ...layerTable[kind], ...inner[kind] })]),
  );

const cell = one('cell', shapeOf(cells));
const recurrent = one('recurrent layer', shapeOf(overTime));

const chained = kinds.filter((kind) => !isOneOf(cells, kind) && !isOneOf(joining, kind));
const misplaced: Record<string, z.ZodType> = {
  ...Object.fromEntries(cells.map((kind) => [kind, z.never('a cell goes into a layer: rnn: { cell: … }')])),
  ...Object.fromEntries(
    joining.map((kind) => [
      kind,
      z.never(
        'it joins several tensors, and the layers of a recipe follow one another; give a model.json, or a function in a recipe in TypeScript',
      ),
    ]),
  ),
  inputLayer: z.never(
    'the data tell the shape; where it has to be another one, give inputShape to the first layer',
  ),
};

/** The shape and type of what comes in; they are those of the model's inputs. */
const ofInputs = {
  inputShape: z.array(count).min(1).describe('Of the first layer: the shape of one example.').optional(),
  dtype: z
    .enum(['float32', 'int32', 'bool'])
    .describe('Of the first layer: the type of its inputs.')
    .optional(),
};

/** A layer inside a wrapper. */
const layerSpec = one('layer', { ...shapeOf(chained), ...misplaced });

const first = one('layer', { ...shapeOf(chained, ofInputs), ...misplaced });

/** The layers of a model, one after another. */
export const layersSchema = z
  .tuple([first], layerSpec)
  .describe('The layers of a model, one after another: { dense: { units: 300 } }.') as unknown as z.ZodType<
  readonly [LayerSpec, ...LayerSpec[]]
>;

/** The layers that come after those of a model. */
export const headSchema = z
  .array(layerSpec)
  .min(1)
  .describe('What comes after it, with fresh weights.') as unknown as z.ZodType<readonly LayerSpec[]>;
