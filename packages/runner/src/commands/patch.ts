import { patch } from '@espalier/codec/update';
import { readWhole } from '@espalier/formats';
import { defineCommand } from 'citty';
import { writeWhole } from '../pipeline/files.js';
import { print } from '../terminal/stream.js';
import { checkArguments, jsonArgument, outArgument, printJson } from './common.js';
import { ofFile } from './of-file.js';

const args = {
  old: { type: 'positional', required: true, description: 'The .esp file that the update was made for' },
  update: { type: 'positional', required: true, description: 'The .espd file' },
  ...outArgument('The .esp file to write'),
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier patch old.esp update.espd -o new.esp';

export default defineCommand({
  meta: { name: 'patch', description: 'Makes the newer file, byte for byte, of the old one and an update.' },
  args,
  async run({ args: given }) {
    checkArguments(given, args, 2);
    const [old, update] = [await readWhole(given.old), await readWhole(given.update)];
    const made = ofFile(
      ({ code }) => (code === 'old' ? given.old : given.update),
      ({ code }) =>
        code === 'old'
          ? 'Give the file that the update was made for, or take the new one whole.'
          : 'It is damaged, no .espd file, or of another version of Espalier: have espalier diff write it anew.',
      () => patch(old, update),
    );
    await writeWhole(given.out, made);
    if (given.json) return printJson({ out: given.out, bytes: made.length });
    print(`${given.out}: ${made.length} bytes\n`);
  },
});
