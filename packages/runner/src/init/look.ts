import { open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { builtIns } from '@espalier/datasets';
import { pictureKinds, sizeOfPicture } from '@espalier/formats';
import { NotRegularError } from '@espalier/host';
import type { Looked } from './looked.js';
import type { Questions } from './questions.js';
import { lookAtCsv } from './table.js';

/** Pictures are not taken larger unless somebody asks for it. */
const side = 96;
/** So many pictures are looked at. */
const most = 64;

const kindOf = (name: string): string => extname(name).toLowerCase();

async function lookAtFolder(folder: string): Promise<Looked> {
  const names = (await readdir(folder, { recursive: true })).sort();
  const pictures = names.filter((name) => pictureKinds.includes(kindOf(name)));
  const texts = names.filter((name) => ['.txt', '.md', '.eml'].includes(kindOf(name)));
  if (texts.length > pictures.length)
    return { data: { text: folder }, notes: [`${texts.length} files of text`] };
  if (pictures.length === 0) {
    throw new EspalierError('bad-data', `There is neither a picture nor a text in ${folder}.`, {
      remedy: 'Give a folder with a folder of files for each class.',
    });
  }
  const step = Math.max(1, Math.floor(pictures.length / most));
  const sizes = new Set<string>();
  const edges: number[] = [];
  for (let i = 0; i < pictures.length; i += step) {
    const { width, height } = await sizeOfPicture(join(folder, pictures[i]));
    sizes.add(`${width} x ${height}`);
    edges.push(Math.min(width, height));
  }
  // The middle one: a thumbnail among photographs does not decide for all.
  const middle = edges.sort((a, b) => a - b)[edges.length >> 1];
  const size = Math.min(side, middle);
  const asTheyAre = sizes.size === 1 && middle <= side;
  const [one] = sizes;
  return {
    data: { images: folder, ...(!asTheyAre && { size }) },
    notes: asTheyAre
      ? []
      : [
          `${sizes.size === 1 ? `the pictures have ${one} pixels` : 'the pictures are of several sizes'}: taken at ${size} x ${size}`,
        ],
  };
}

/** The keys of a line of JSON that hold a text and a class. */
async function lookAtLines(text: string, questions: Questions): Promise<Looked> {
  const file = await open(text);
  let first = '{}';
  for await (const line of file.readLines()) {
    if (line.trim() === '') continue;
    first = line;
    break;
  }
  let entry: Record<string, unknown> = {};
  try {
    entry = JSON.parse(first) as Record<string, unknown>;
  } catch {} // The factory says what is wrong, with the line.
  const keys = Object.keys(entry ?? {});
  const length = (key: string): number =>
    typeof entry[key] === 'string' ? (entry[key] as string).length : -1;
  const field = keys.includes('text')
    ? 'text'
    : keys.reduce((a, b) => (length(b) > length(a) ? b : a), 'text');
  const rest = keys.filter((key) => key !== field);
  const label =
    rest.includes('label') || rest.length === 0
      ? 'label'
      : await questions.answer({ flag: 'target', text: 'Which key holds the class', choices: rest });
  return {
    data: { text, ...(field !== 'text' && { field }), ...(label !== 'label' && { label }) },
    notes: [`texts: ${field}, their classes: ${label}`],
  };
}

/** Finds out what data are, as a recipe names them. @throws EspalierError, DatasetError: what is wrong with them */
export async function lookAt(path: string, questions: Questions): Promise<Looked> {
  if (Object.hasOwn(builtIns, path)) return { data: { name: path }, notes: [] };
  const [file] = path.split('#');
  const info = await stat(file).catch(() => undefined);
  if (info === undefined) {
    throw new EspalierError('not-found', `There is no file or folder ${file}.`, {
      remedy: `Give the path of your data, or the name of a data set: ${Object.keys(builtIns).join(', ')}.`,
    });
  }
  if (info.isDirectory()) return lookAtFolder(path);
  if (!info.isFile()) {
    const { message, remedy } = new NotRegularError(file, false);
    throw new EspalierError('bad-data', message, { remedy });
  }
  switch (kindOf(file)) {
    case '.csv':
    case '.tsv':
      return lookAtCsv(path, questions);
    case '.npy':
    case '.npz':
    case '.safetensors': {
      const labels = await questions.answer({
        flag: 'labels',
        text: 'Where are the labels (.npy, or file.npz#name)',
      });
      return { data: { inputs: path, labels }, notes: [] };
    }
    case '.jsonl':
    case '.ndjson':
      return lookAtLines(path, questions);
    case '.txt':
      return { data: { text: path }, notes: ['what comes next is learned, character by character'] };
    default:
      throw new EspalierError('bad-data', `It is not known how to read ${file}.`, {
        remedy:
          'Data are .csv, .tsv, .npy, .npz, .safetensors, .jsonl, .txt, or a folder with a folder for each class; for all else, write a factory: docs/guide/bring-your-data.md.',
      });
  }
}
