import { examplesOf } from '../batches.js';
import type { Scale, Shift } from '../cut.js';
import { scaleTable } from '../cut.js';
import { type DataSource, inMemory } from '../data-source.js';
import { checkInteger, checkOptions, DatasetError, suggest } from '../errors.js';
import { type Dataset, datasetNames, loadDataset } from '../load.js';
import type { SourceOptions } from '../source/obtain.js';
import { loadText, type TextDataset, textNames } from '../text.js';
import { following } from './text/following.js';

/** What every factory is told beside its own options. */
export interface FactoryContext {
  /** Which examples are held out. Default 0. */
  readonly seed?: number;
  /** Paths go from here. Default: the working directory. */
  readonly folder?: string;
  readonly log?: (line: string) => void;
  /** Threads that prepare pictures; what they make does not depend on it. Default: one less than there are cores, 1 … 8. */
  readonly workers?: number;
  /** Most bytes of pictures in memory; more are kept in a file. Default: a quarter of the machine's, at most 2 GiB. */
  readonly memory?: number;
}

/** Options of the data sets that are known by name. */
export interface BuiltInOptions {
  /** Training examples to set aside: a share in (0, 1) or, of pictures, a number. */
  readonly validation?: number;
  readonly dir?: string;
  /** Of pictures. */
  readonly scale?: Scale;
  /** Of pictures. */
  readonly augment?: { readonly shift: number };
  /** Of texts: characters per sequence. Default 64. */
  readonly length?: number;
}

/** Makes a source of options. */
export type Factory<Options> = (options: Options, context?: FactoryContext) => Promise<DataSource>;

const whereOf = ({ dir }: BuiltInOptions, { log }: FactoryContext): SourceOptions => ({
  ...(dir !== undefined && { dir }),
  ...(log && { log }),
});

function pictures(dataset: Dataset, { scale, augment }: BuiltInOptions): DataSource {
  const { name, classes, inputShape } = dataset;
  if (augment !== undefined) checkInteger(name, 'augment.shift', augment.shift, 0);
  const most = augment?.shift ?? 0;
  const background = scaleTable(scale ?? 'unit')[0];
  const shifting = (seed: number): Shift => ({ most, background, seed: seed + 0x5f1f, size: inputShape });
  return inMemory({
    name,
    notes: [],
    parts: {
      train: examplesOf(dataset.train, classes),
      validation: examplesOf(dataset.validation, classes),
      test: examplesOf(dataset.test, classes),
    },
    ...(scale && { scale }),
    shift: most > 0 ? shifting : undefined,
  });
}

/** Text as sequences of characters; a label is the character that comes next. */
function nextCharacter(text: TextDataset, length = 64): DataSource {
  const classCount = text.alphabet.length;
  checkInteger(text.name, 'length', length, 1);
  return {
    name: text.name,
    inputs: [{ shape: [length] }],
    labels: [{ shape: [length, classCount], classes: text.alphabet }],
    notes: [],
    characters: true,
    repeatable: true,
    batches: following(text, classCount, length),
  };
}

function meaningless(key: string, name: string, remedy: string): DatasetError {
  return new DatasetError('invalid-option', `'${key}' has no meaning for ${name}.`, { remedy });
}

function ofPictures(name: string): Factory<BuiltInOptions> {
  return async (options, context = {}) => {
    if (options.length !== undefined)
      throw meaningless('length', name, `It is for text: ${textNames.join(', ')}.`);
    checkOptions(name, options, ['validation', 'dir', 'scale', 'augment']);
    const { validation = 0.1 } = options;
    const { seed = 0 } = context;
    return pictures(await loadDataset(name, { ...whereOf(options, context), validation, seed }), options);
  };
}

function ofText(name: string): Factory<BuiltInOptions> {
  return async (options, context = {}) => {
    const key = (['scale', 'augment'] as const).find((one) => options[one] !== undefined);
    if (key !== undefined) throw meaningless(key, 'text', 'It is for images; leave it out.');
    checkOptions(name, options, ['validation', 'dir', 'length', 'scale', 'augment']);
    const { validation, length } = options;
    const shares = validation === undefined ? {} : { validation };
    if (validation !== undefined && validation >= 1) {
      throw new DatasetError('invalid-option', `${name}: validation is ${validation}.`, {
        remedy: 'Of a text, give a share below 1.',
      });
    }
    return nextCharacter(await loadText(name, { ...whereOf(options, context), ...shares }), length);
  };
}

/** The data sets that are known by name: a factory each. */
export const builtIns: Readonly<Record<string, Factory<BuiltInOptions>>> = Object.fromEntries([
  ...datasetNames.map((name) => [name, ofPictures(name)]),
  ...textNames.map((name) => [name, ofText(name)]),
]);

/** How a path would be given, which is no name. */
function formFor(path: string): string | undefined {
  if (/\.(csv|tsv)$/i.test(path)) return `{ csv: ${path}, target: … }`;
  if (/\.(npy|npz|safetensors)(#|$)/i.test(path)) return `{ inputs: ${path}, labels: … }`;
  if (/\.(jsonl|ndjson|txt)$/i.test(path)) return `{ text: ${path} }`;
  if (/\.[cm]?[jt]s(#|$)/i.test(path)) return `{ use: '${path.includes('#') ? path : `${path}#factory`}' }`;
  return /[/\\]/.test(path) ? `{ images: ${path} }` : undefined;
}

/** One of them. @throws DatasetError `unknown-name` */
export function builtIn(name: string): Factory<BuiltInOptions> {
  if (Object.hasOwn(builtIns, name)) return builtIns[name];
  const form = formFor(name);
  throw new DatasetError('unknown-name', `Unknown data set "${name}".`, {
    remedy: form ? `Of files of your own: data: ${form}.` : suggest(name, Object.keys(builtIns)),
  });
}
