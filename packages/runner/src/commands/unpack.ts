import { readdir } from 'node:fs/promises';
import { EspalierError } from '@espalier/core';
import { defineCommand } from 'citty';
import { readArtifacts } from '../pipeline/model-files.js';
import { writePlain } from '../pipeline/plain.js';
import { checkArguments, jsonArgument, printJson } from './common.js';

const args = {
  file: { type: 'positional', required: true, description: 'An .esp file' },
  out: {
    type: 'string',
    alias: 'o',
    required: true,
    description: 'Folder for model.json and weights',
    valueHint: 'folder',
  },
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier unpack runs/demo/model.esp -o plain';

export default defineCommand({
  meta: {
    name: 'unpack',
    description: 'Back to model.json and weights.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const { out } = given;
    const { artifacts } = await readArtifacts(given.file);
    const taken = await readdir(out).catch(() => []);
    if (taken.length > 0) {
      throw new EspalierError('out-taken', `${out} is not empty; nothing was overwritten.`, {
        remedy: 'Choose another folder.',
      });
    }
    await writePlain(out, artifacts);
    if (given.json) return printJson({ out, tensors: artifacts.weightSpecs?.length ?? 0 });
    process.stdout.write(`${artifacts.weightSpecs?.length ?? 0} tensors in ${out}/model.json\n`);
  },
});
