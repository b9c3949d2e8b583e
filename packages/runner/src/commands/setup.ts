import { setup } from '@espalier/backend';
import { defineCommand } from 'citty';
import { print, tell } from '../terminal/stream.js';
import { checkArguments, jsonArgument, printJson } from './common.js';

const args = {
  gpu: { type: 'boolean', default: false, description: 'The addon for NVIDIA GPUs' },
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier setup';

export default defineCommand({
  meta: {
    name: 'setup',
    description: 'Get the native TensorFlow addon: downloaded or built, cached, checked.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args, 0);
    const result = await setup({
      gpu: given.gpu,
      log: (line) => (given.json ? tell : print)(`${line}\n`),
    });
    if (given.json) printJson(result);
  },
});
