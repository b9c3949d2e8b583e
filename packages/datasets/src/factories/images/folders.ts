import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { DataPart, Shares } from '../../divide.js';
import { DatasetError } from '../../errors.js';
import { divideRest } from '../../parted.js';

/** A file, and its class. */
export interface Labelled {
  readonly file: string;
  readonly label: number;
}

/** What is in a folder of classes. */
export interface Classes {
  readonly classes: readonly string[];
  /** Where the folder divides them itself. */
  readonly parts?: Readonly<Record<DataPart, readonly Labelled[]>>;
  readonly files: readonly Labelled[];
  /** Files that were left out. */
  readonly others: number;
}

const names: Readonly<Record<DataPart, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'val', 'valid'],
  test: ['test'],
};

interface Listed {
  readonly folders: string[];
  readonly files: string[];
}

async function list(folder: string): Promise<Listed> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DatasetError(
      'not-found',
      code === 'ENOENT' ? `There is no folder ${folder}.` : `Cannot read ${folder} (${code}).`,
      {
        cause,
        remedy: 'Give a folder with a folder of files for each class.',
      },
    );
  });
  const seen = entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  const listed: Listed = { folders: [], files: [] };
  for (const entry of seen) {
    const followed = entry.isSymbolicLink()
      ? await stat(join(folder, entry.name)).catch(() => undefined) // One that leads nowhere is read, and says so.
      : entry;
    (followed?.isDirectory() ? listed.folders : listed.files).push(entry.name);
  }
  return listed;
}

async function classesIn(
  folder: string,
  kinds: readonly string[],
  known?: readonly string[],
): Promise<Omit<Classes, 'parts'>> {
  const { folders, files: loose } = await list(folder);
  const classes = known ?? folders;
  if (classes.length < 2) {
    throw new DatasetError(
      'bad-file',
      `${folder} holds ${folders.length} folder${folders.length === 1 ? '' : 's'} of a class.`,
      {
        remedy: 'Put the files of each class into a folder that is named for it; there are at least two.',
      },
    );
  }
  const stranger = folders.find((name) => !classes.includes(name));
  if (stranger !== undefined) {
    throw new DatasetError(
      'bad-file',
      `${join(folder, stranger)} is of a class that the training folder does not have.`,
      {
        remedy: `Its classes: ${classes.join(', ')}.`,
      },
    );
  }
  const files: Labelled[] = [];
  let others = loose.length;
  for (const [label, name] of classes.entries()) {
    if (!folders.includes(name)) continue;
    const inside = await list(join(folder, name));
    const wanted = inside.files.filter((file) => kinds.includes(extname(file).toLowerCase()));
    if (wanted.length === 0 && known === undefined) {
      throw new DatasetError('bad-file', `The class ${join(folder, name)} is empty.`, {
        remedy: `Put files into it (${kinds.join(' ')}), or take the folder away.`,
      });
    }
    others += inside.files.length - wanted.length + inside.folders.length;
    files.push(...wanted.map((file) => ({ file: join(folder, name, file), label })));
  }
  return { classes, files, others };
}

/**
 * The files of a folder by their classes: a folder for each, or these in folders `train`, `val` and `test`.
 *
 * @throws DatasetError `not-found`; `bad-file` for a class without files, or one class alone
 */
export async function classFolders(folder: string, kinds: readonly string[]): Promise<Classes> {
  const { folders } = await list(folder);
  const nameOf = (part: DataPart): string | undefined =>
    folders.find((name) => names[part].includes(name.toLowerCase()));
  const train = nameOf('train');
  if (train === undefined) return classesIn(folder, kinds);
  const training = await classesIn(join(folder, train), kinds);
  const read = async (part: DataPart): Promise<readonly Labelled[]> => {
    const name = nameOf(part);
    return name === undefined ? [] : (await classesIn(join(folder, name), kinds, training.classes)).files;
  };
  const parts = { train: training.files, validation: await read('validation'), test: await read('test') };
  return { ...training, files: Object.values(parts).flat(), parts };
}

/** The parts as places in the list of files: the folder's own, and else drawn from those for training. */
export function partsOf(
  { files, parts }: Pick<Classes, 'files' | 'parts'>,
  shares: Shares,
): Record<DataPart, readonly number[]> {
  const place = new Map(files.map(({ file }, i) => [file, i]));
  const placesIn = (part: DataPart): number[] =>
    parts?.[part].map(({ file }) => place.get(file) as number) ?? [];
  const train = parts ? placesIn('train') : [...files.keys()];
  const given = { train, validation: placesIn('validation'), test: placesIn('test') };
  return divideRest(
    given,
    shares,
    files.map(({ label }) => label),
  );
}
