import { inspect } from '@espalier/codec';
import { diff } from '@espalier/codec/update';
import { readWhole } from '@espalier/formats';
import { defineCommand } from 'citty';
import { writeWhole } from '../pipeline/files.js';
import { print } from '../terminal/stream.js';
import { checkArguments, jsonArgument, outArgument, printJson } from './common.js';
import { ofFile } from './of-file.js';

const args = {
  old: { type: 'positional', required: true, description: 'The .esp file that its users have' },
  new: { type: 'positional', required: true, description: 'The .esp file that they are to have' },
  ...outArgument('The .espd file to write'),
  ...jsonArgument,
} as const;

/** Shown by --help. */
export const example = 'espalier diff old.esp new.esp -o update.espd';

export default defineCommand({
  meta: {
    name: 'diff',
    description: 'What a newer version of a model costs those who have the old one: an update.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args, 2);
    const [old, next] = [await readWhole(given.old), await readWhole(given.new)];
    const anew = 'It is damaged, no .esp file, or of another version of Espalier: write it anew.';
    ofFile(given.old, anew, () => inspect(old));
    ofFile(given.new, anew, () => inspect(next));
    const update = ofFile(`${given.old} and ${given.new}`, 'Hand out the new file whole.', () =>
      diff(old, next),
    );
    await writeWhole(given.out, update);
    const bytes = { old: old.length, new: next.length, update: update.length };
    if (given.json) return printJson({ out: given.out, bytes });
    const share = ((100 * update.length) / next.length).toFixed(1);
    print(`${given.out}: ${update.length} bytes, ${share} % of the new file's ${next.length}\n`);
  },
});
