import { join } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { npyBytes, safetensorsBytes, tensorsOfArtifacts } from '@espalier/formats';
import { writeWhole } from './files.js';

/** Writes artifacts as plain TF.js files: `model.json` and one weight file. */
export async function writePlain(folder: string, artifacts: ModelArtifacts): Promise<void> {
  const { weightData, weightSpecs, getWeightStream: _, ...rest } = artifacts;
  const weights = Array.isArray(weightData)
    ? Buffer.concat(weightData.map((part) => Buffer.from(part)))
    : Buffer.from(weightData ?? new ArrayBuffer(0));
  const path = 'group1-shard1of1.bin';
  await writeWhole(join(folder, path), weights);
  const json = { ...rest, weightsManifest: [{ paths: [path], weights: weightSpecs ?? [] }] };
  await writeWhole(join(folder, 'model.json'), JSON.stringify(json));
}

/**
 * Parts of a path that no system, or Windows alone, has for files; or that do not show which file they are: marks that turn the
 * direction of writing, halves of characters, which all become the same one.
 */
const noName =
  /^\.{0,2}$|[\\:*?"<>|\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|[. ]$|^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³])(\.|$)/iu;

/** Bytes of a part of a path, its ending and that of a temporary name included; most systems take 255. */
const mostBytes = 230;

/** How a file system sees a path that does not tell case, or forms of one letter, apart. */
const folded = (path: string): string => path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');

/**
 * The files of weights, `dense/kernel.npy` for `dense/kernel`, all of them checked before the first is written: each can be on
 * every system, none is another's, and none is the folder of another.
 *
 * @throws EspalierError `bad-model`
 */
function filesOf(names: readonly string[]): string[] {
  const refuse = (what: string): never => {
    throw new EspalierError('bad-model', `${what}; nothing was written.`, {
      remedy: 'Unpack to a .safetensors file: -o weights.safetensors.',
    });
  };
  const files = new Map<string, string>();
  const folders = new Map<string, string>();
  for (const name of names) {
    const path = `${name}.npy`;
    const parts = path.split('/');
    if (
      name.split('/').some((part) => noName.test(part)) ||
      parts.some((part) => Buffer.byteLength(part) > mostBytes)
    ) {
      refuse(`The weight name ${JSON.stringify(name)} is no file name`);
    }
    const key = folded(path);
    const other = files.get(key);
    if (other !== undefined)
      refuse(`The weights ${other} and ${name} would be one file where case does not count`);
    files.set(key, name);
    for (let i = 1; i < parts.length; i++) folders.set(folded(parts.slice(0, i).join('/')), name);
  }
  for (const [key, name] of files) {
    const inner = folders.get(key);
    if (inner !== undefined) refuse(`The file of ${name} would be the folder of ${inner}`);
  }
  return names.map((name) => `${name}.npy`);
}

/**
 * Writes weights as a `.npy` file each, `dense/kernel` as `dense/kernel.npy`.
 *
 * @throws EspalierError `bad-model` for strings, and, before anything is written, for names that are no paths of files of their own
 */
export async function writeNpyFolder(folder: string, artifacts: ModelArtifacts): Promise<void> {
  const tensors = tensorsOfArtifacts(artifacts);
  const files = filesOf(tensors.map(({ name }) => name));
  for (const [i, tensor] of tensors.entries()) await writeWhole(join(folder, files[i]), npyBytes(tensor));
}

/** Writes weights as a `.safetensors` file. @throws EspalierError `bad-model` for strings */
export async function writeSafetensors(file: string, artifacts: ModelArtifacts): Promise<void> {
  await writeWhole(file, safetensorsBytes(artifacts));
}
