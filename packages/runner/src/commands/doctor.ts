import { doctor, formatDoctor } from '@espalier/backend';
import { defineCommand } from 'citty';
import { print } from '../terminal/stream.js';
import { checkArguments, jsonArgument, printJson } from './common.js';

/** Shown by --help. */
export const example = 'espalier doctor';

export default defineCommand({
  meta: {
    name: 'doctor',
    description: 'Which backends work here, and what to do about the others.',
  },
  args: jsonArgument,
  async run({ args: given }) {
    checkArguments(given, jsonArgument, 0);
    const rows = await doctor();
    if (given.json) return printJson(rows);
    print(`${formatDoctor(rows)}\n`);
  },
});
