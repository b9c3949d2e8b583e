import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EspalierError } from '@espalier/core';
import { readArtifacts } from '@espalier/formats';
import { defineCommand } from 'citty';
import { writeNpyFolder, writePlain, writeSafetensors } from '../pipeline/plain.js';
import { print } from '../terminal/stream.js';
import { checkArguments, jsonArgument, printJson, warn } from './common.js';

const args = {
  file: { type: 'positional', required: true, description: 'An .esp file' },
  out: {
    type: 'string',
    alias: 'o',
    required: true,
    description: 'Folder, or a .safetensors file for the weights alone',
    valueHint: 'path',
  },
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier unpack runs/demo/model.esp -o plain';

export default defineCommand({
  meta: {
    name: 'unpack',
    description:
      'Back to model.json and weights; of weights without a model, to .npy files; or to .safetensors.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const { out } = given;
    const { artifacts } = await readArtifacts(given.file, { log: warn });
    const file = out.toLowerCase().endsWith('.safetensors');
    const taken = file
      ? (await stat(out).catch(() => undefined)) !== undefined
      : (await entries(out)).length > 0;
    if (taken) {
      throw new EspalierError(
        'out-taken',
        `${out} ${file ? 'exists' : 'is not empty'}; nothing was overwritten.`,
        {
          remedy: `Choose another ${file ? 'file' : 'folder'}.`,
        },
      );
    }
    const model = artifacts.modelTopology !== undefined;
    if (file) {
      if (model) warn(`${out} holds the weights alone, without the model's topology.`);
      await writeSafetensors(out, artifacts);
    } else if (model) await writePlain(out, artifacts);
    else await writeNpyFolder(out, artifacts);
    const tensors = artifacts.weightSpecs?.length ?? 0;
    if (given.json) return printJson({ out, tensors });
    print(`${tensors} tensors in ${file ? out : join(out, model ? 'model.json' : '*.npy')}\n`);
  },
});

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
