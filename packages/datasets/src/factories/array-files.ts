import { resolve } from 'node:path';
import { readArrays } from '@espalier/formats';
import type { DataPart } from '../divide.js';
import { DatasetError, suggest } from '../errors.js';
import { byPart, type Parted } from '../parted.js';
import { steadily } from '../steady.js';

/** A file of arrays, or one array of it as `file.npz#name`; several in the model's order, or by the names of its inputs or outputs. */
export type ArrayFiles = string | readonly string[] | Readonly<Record<string, string>>;

/** An array with all its examples. */
export interface NamedArray {
  readonly name?: string;
  /** The first axis counts the examples. */
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** For messages: where it is from. */
  readonly from: string;
}

const bad = (what: string, remedy: string): DatasetError =>
  new DatasetError('bad-file', `${what}.`, { remedy });

async function arraysOf(given: ArrayFiles, folder: string): Promise<NamedArray[]> {
  if (Array.isArray(given)) return (await Promise.all(given.map((one) => arraysOf(one, folder)))).flat();
  if (typeof given === 'object') {
    const entries = Object.entries(given as Readonly<Record<string, string>>);
    const read = await Promise.all(entries.map(([, one]) => arraysOf(one, folder)));
    return read.map((found, i) => {
      if (found.length === 1) return { ...found[0], name: entries[i][0] };
      throw bad(
        `${entries[i][1]} holds ${found.length} arrays`,
        `Say which: ${entries[i][1]}#${found[0].name}.`,
      );
    });
  }
  const [path, wanted] = (given as string).split('#');
  const found = await steadily(resolve(folder, path), readArrays);
  if (wanted !== undefined) {
    const array = found.get(wanted);
    if (array) return [{ ...array, from: given as string }];
    throw new DatasetError('unknown-name', `${path} has no array '${wanted}'.`, {
      remedy: suggest(wanted, [...found.keys()]),
    });
  }
  const named = found.size > 1;
  return [...found].map(([name, array]) => ({
    ...(named && { name }),
    ...array,
    from: named ? `${path}#${name}` : path,
  }));
}

/** Arrays one after the other. @throws DatasetError `bad-file` where they are not of one kind */
function joined(arrays: readonly NamedArray[]): NamedArray {
  const [first, ...others] = arrays;
  if (others.length === 0) return first;
  for (const { from, shape, values } of others) {
    const same =
      shape.length === first.shape.length && shape.every((n, i) => i === 0 || n === first.shape[i]);
    if (same && values.constructor === first.values.constructor) continue;
    throw bad(
      `${first.from} has examples [${first.shape.slice(1)}], ${from} has [${shape.slice(1)}]${same ? ' of another type' : ''}`,
      'They have to be alike',
    );
  }
  const Type = first.values.constructor as new (length: number) => Float32Array;
  const values = new Type(arrays.reduce((sum, one) => sum + one.values.length, 0));
  let at = 0;
  for (const one of arrays) {
    values.set(one.values, at);
    at += one.values.length;
  }
  return {
    ...first,
    shape: [arrays.reduce((sum, { shape }) => sum + shape[0], 0), ...first.shape.slice(1)],
    values,
  };
}

/** The arrays of all parts, each as one, and how many examples each part has. */
export async function readParts(
  given: Parted<ArrayFiles>,
  folder: string,
): Promise<{ readonly arrays: NamedArray[]; readonly counts: (readonly [DataPart, number])[] }> {
  const read: [DataPart, NamedArray[]][] = [];
  for (const [part, files] of byPart(given)) read.push([part, await arraysOf(files, folder)]);
  const [[, first]] = read;
  const other = read.find(([, arrays]) => arrays.length !== first.length);
  if (other) {
    throw bad(
      `${first[0].from} is one of ${first.length} arrays, ${other[1][0].from} one of ${other[1].length}`,
      'Each part has the same',
    );
  }
  return {
    arrays: first.map((_, i) => joined(read.map(([, arrays]) => arrays[i]))),
    counts: read.map(([part, [{ shape }]]) => [part, shape[0] ?? 0]),
  };
}
