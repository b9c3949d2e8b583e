import { EspalierError } from '@espalier/core';
import type { ElementType, PlainTensor } from '../arrays/plain-tensor.js';
import { type ForeignLimits, foreign } from '../foreign.js';

/** The first bytes of every HDF5 file. */
export const hdf5Magic: Uint8Array = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a);

/** A group of an HDF5 file. */
interface Hdf5Group {
  readonly path: string;
  /** Attributes that are texts, or lists of them, of those that Keras writes. */
  readonly texts: Readonly<Record<string, readonly string[]>>;
  /** Names of what is in it, in the file's order. */
  readonly keys: readonly string[];
}

interface Hdf5Dataset extends Omit<Hdf5Group, 'keys'> {
  /** `null` without a dataspace. */
  readonly shape: readonly number[] | null;
  /** HDF5's class of its type. */
  readonly type: number;
  /** Bytes of an element. */
  readonly size: number;
  readonly signed: boolean;
  readonly vlen?: boolean;
  /** Little-endian, whatever the file has. */
  readonly bytes: Uint8Array;
}

/** An HDF5 file in memory, by paths, `a/b`; the file itself is ``. The state of optimizers is left out. */
export interface Hdf5 {
  readonly groups: ReadonlyMap<string, Hdf5Group>;
  readonly datasets: ReadonlyMap<string, Hdf5Dataset>;
}

const remedies: Readonly<Record<string, string>> = {
  'missing-package': 'npm install h5wasm',
  outside: 'Nothing is read but the file itself: save a copy that holds all of its numbers.',
  'too-much': 'No model takes as long: the file is damaged, or forged.',
  filter: "The filters of HDF5 itself are read: save a copy with compression='gzip', or without.",
  memory: 'Convert it with the TF.js converter, and give the model.json.',
};

/**
 * Reads an HDF5 file with the HDF5 library, in a worker that sees nothing but these bytes.
 *
 * @throws EspalierError `missing-package` without h5wasm, `bad-model`
 */
export async function readHdf5(bytes: Uint8Array, file: string, limits?: ForeignLimits): Promise<Hdf5> {
  const read = await foreign<{ groups: Hdf5Group[]; datasets: Hdf5Dataset[] }>(
    'hdf5',
    new Uint8Array(bytes),
    limits,
  ).catch((cause: EspalierError) => {
    const missing = cause.code === 'missing-package';
    throw new EspalierError(
      missing ? 'missing-package' : 'bad-model',
      missing
        ? `Reading ${file} takes the package h5wasm, which is not there.`
        : ['too-much', 'memory', 'filter'].includes(cause.code)
          ? `${file} is not read: ${cause.message}.`
          : cause.code === 'outside'
            ? `${file}: ${cause.message}.`
            : `${file} is a damaged HDF5 file: ${cause.message}.`,
      { cause, remedy: remedies[cause.code] ?? 'Copy or download it anew.' },
    );
  });
  return {
    groups: new Map(read.groups.map((group) => [group.path, group])),
    datasets: new Map(read.datasets.map((dataset) => [dataset.path, dataset])),
  };
}

/** HDF5's classes of types. */
const [integer, float, opaque, enumeration] = [0, 1, 5, 8];

function typeOf({ type, size, signed, texts, vlen }: Hdf5Dataset): ElementType | undefined {
  if (vlen) return undefined;
  if (type === integer && [1, 2, 4, 8].includes(size))
    return `${signed ? '' : 'u'}int${8 * size}` as ElementType;
  if (type === float && [2, 4, 8].includes(size)) return `float${8 * size}` as ElementType;
  // Keras 3 keeps bfloat16 as two bytes of a type without name.
  if (type === opaque && size === 2 && (texts.dtype?.[0] ?? 'bfloat16') === 'bfloat16') return 'bfloat16';
  // h5py's truth values.
  return type === enumeration && size === 1 ? 'bool' : undefined;
}

/** The numbers of a dataset, little-endian. @throws EspalierError `bad-model` for what is no number */
export function tensorOf(dataset: Hdf5Dataset, name: string, file: string): PlainTensor {
  const type = typeOf(dataset);
  if (type === undefined || dataset.shape === null) {
    throw new EspalierError('bad-model', `${file}: ${name} has a type that is not read.`, {
      remedy: 'Numbers are read: integers, float16, bfloat16, float32 and float64.',
    });
  }
  return { name, shape: dataset.shape, type, bytes: dataset.bytes };
}

/** An attribute of texts. Keras cuts long lists into name0, name1, … */
export function textsOf(
  { texts }: Pick<Hdf5Group, 'texts'>,
  name: 'layer_names' | 'weight_names',
): readonly string[] | undefined {
  if (texts[name] !== undefined) return texts[name];
  const all: string[] = [];
  for (let i = 0; texts[`${name}${i}`] !== undefined; i++) all.push(...texts[`${name}${i}`]);
  return all.length > 0 ? all : undefined;
}
