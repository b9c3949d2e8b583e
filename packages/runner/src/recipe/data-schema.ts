import * as z from 'zod';

const count = z.int().min(1);
const share = z.number().min(0);
const scale = z
  .enum(['unit', 'symmetric', 'none'])
  .describe('How bytes become numbers: [0, 1], [-1, 1], or as they are. Default unit.')
  .optional();

/** What every form has. */
const common = { batchSize: count.describe('Default 128.').optional() };
const shares = {
  validation: share
    .describe('Examples held out of the training: a share, or a number of them. Default 0.1.')
    .optional(),
  test: share.describe('Examples to measure on at the end: a share, or a number. Default 0.1.').optional(),
};

/** One for all, which is divided, or one for each part. */
const parted = <T extends z.ZodType>(
  one: T,
): z.ZodUnion<
  [T, z.ZodObject<{ train: T; validation: z.ZodOptional<T>; test: z.ZodOptional<T> }, z.core.$strict>]
> =>
  z.union([
    one,
    z.strictObject({
      train: one.describe('To learn from.'),
      validation: one.optional().describe('To choose by. Default: a share of train.'),
      test: one.optional().describe('To measure on at the end. Default: a share of train.'),
    }),
  ]);

const name = z.strictObject({
  name: z.string().describe('mnist, fashion-mnist, cifar10; or a text: moby-dick.'),
  length: count.describe('Of a text: characters per sequence. Default 64.').optional(),
  validation: z
    .number()
    .positive()
    .describe('Examples held out of the training set: a count or a share.')
    .optional(),
  ...common,
  scale,
  augment: z
    .strictObject({ shift: z.number().min(0).describe('Most pixels, up or down and left or right.') })
    .describe('Random changes of training pictures, which are moved.')
    .optional(),
  dir: z.string().describe('Where your own files are.').optional(),
});

const delimiter = z
  .string()
  .min(1)
  .describe("Of a table: the sign between cells. Default ','; of a .tsv, the tabulator.")
  .optional();

const csv = z.strictObject({
  csv: parted(z.string()).describe(
    "A table, from the recipe's folder; its first line names the columns. Or { train, validation, test }.",
  ),
  target: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe(
      'The column that is to be predicted, or several: a category becomes classes, a number stays one.',
    ),
  ignore: z.array(z.string()).describe('Columns that are left out.').optional(),
  types: z
    .record(z.string(), z.enum(['number', 'category']))
    .describe('What columns are, where it should not be found out.')
    .optional(),
  missing: z
    .enum(['refuse', 'mean', 'drop'])
    .describe('Rows with empty cells: an error (default), filled from the training split, or left out.')
    .optional(),
  standardize: z
    .enum(['inputs', 'all', 'none'])
    .describe('Which numbers get mean 0 and deviation 1, as in the training split. Default inputs.')
    .optional(),
  delimiter,
  decimal: z
    .enum(['.', ','])
    .describe("The sign before the decimals of a number: '.' (default) or ','.")
    .optional(),
  ...shares,
  ...common,
});

const files = z.union([z.string(), z.array(z.string()).min(1), z.record(z.string(), z.string())]);

const inputs = z.strictObject({
  inputs: parted(files).describe(
    "A .npy, .npz or .safetensors file, or an array of it: 'data.npz#x'. Several as a list, or by the names of the model's inputs. Or { train, validation, test }.",
  ),
  labels: parted(files).describe(
    'As inputs. Integers, one for each example, are classes; and so are floats where classes says how many.',
  ),
  classes: z
    .union([count, z.array(z.string()).min(2)])
    .describe('How many classes there are, or their names. Default: as many as occur.')
    .optional(),
  weights: parted(z.string()).describe('How much each example counts: an array, as inputs.').optional(),
  scale,
  ...shares,
  ...common,
});

const fraction = z.number().min(0).max(1).optional();

const images = z.strictObject({
  images: z
    .string()
    .describe('A folder with a folder of pictures for each class; or with these in train, val and test.'),
  size: z
    .union([count, z.tuple([count, count])])
    .describe('The side, or [height, width], in pixels. Default: theirs, where it is the same for all.')
    .optional(),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .describe('Default 3.')
    .optional(),
  fit: z
    .enum(['crop', 'squeeze'])
    .describe(
      'How pictures of another shape are fitted: the middle is cut out (default), or they are squeezed.',
    )
    .optional(),
  scale,
  normalize: z
    .strictObject({
      mean: z.array(z.number()).describe('Of each channel.'),
      deviation: z.array(z.number()).describe('Of each channel, above 0.'),
    })
    .describe('(value - mean) / deviation of each channel, after scale.')
    .optional(),
  augment: z
    .strictObject({
      flip: z
        .enum(['horizontal', 'vertical', 'both'])
        .describe('Which way half of them are mirrored. Default: none.')
        .optional(),
      shift: z.int().min(0).describe('Most pixels that they are moved, on both axes. Default 0.').optional(),
      crop: fraction.describe('The least share of the sides that is enlarged to the whole. Default 1.'),
      jitter: z
        .strictObject({
          brightness: fraction.describe('Most that is added or taken, as a share of white. Default 0.'),
          contrast: fraction.describe('Most by which differences grow or shrink. Default 0.'),
          saturation: fraction.describe('Most by which colours grow or fade. Default 0.'),
        })
        .describe('Random changes of colours.')
        .optional(),
    })
    .describe(
      'Random changes of training pictures: mirrored; moved by pixels; a part of this share enlarged; colours.',
    )
    .optional(),
  ...shares,
  ...common,
});

const text = z.strictObject({
  text: parted(z.string()).describe(
    'Texts to classify: .jsonl, .csv, .tsv, or a folder with a folder of .txt files for each class. A .txt file: its next character or word. Or { train, validation, test }.',
  ),
  field: z.string().describe('The key or column of the text. Default text.').optional(),
  label: z.string().describe('The key or column of the class. Default label.').optional(),
  delimiter,
  unit: z
    .enum(['word', 'character'])
    .describe('What a text is made of. Default word; of a .txt, character.')
    .optional(),
  length: count.describe('Words or characters of an example. Default 128; of a .txt, 64.').optional(),
  words: count.describe('Most entries of the vocabulary. Default 10000; of a .txt, 2000.').optional(),
  ...shares,
  ...common,
});

const made = z.custom<() => unknown>((value) => typeof value === 'function', 'expected a name');

const use = z.strictObject({
  use: z
    .union([z.string(), made])
    .describe(
      "A factory of a file or package: './data.mjs#factory'. It gives arrays, tf.data.Datasets, or batches.",
    ),
  options: z.record(z.string(), z.unknown()).describe('What the factory takes.').optional(),
  ...common,
});

/** The forms of `data`, by the key that tells which it is. */
export const dataForms = { name, csv, images, inputs, text, use };

export type DataForm = keyof typeof dataForms;

/** What `data` may be: one of the forms; in code, a function too. */
export const anyData = z.union([name, csv, images, inputs, text, use, made]);

export type DataUse = z.infer<typeof anyData>;

/** Which form an object has; undefined where no key tells. */
export function formOf(data: object): DataForm | undefined {
  return (Object.keys(dataForms) as DataForm[]).find((form) => Object.hasOwn(data, form));
}

/** Where in a recipe it is said which data. */
export function dataPath({ data }: { readonly data: DataUse }): string[] {
  const form = typeof data === 'function' ? undefined : formOf(data);
  return form === undefined ? ['data'] : ['data', form];
}
