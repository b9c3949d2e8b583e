import { doctor, formatDoctor } from '@espalier/backend';
import { defineCommand } from 'citty';
import { checkArguments, jsonArgument, printJson } from './common.js';

export default defineCommand({
  meta: {
    name: 'doctor',
    description: 'Which backends work here, and what to do about the others.\n\n  espalier doctor',
  },
  args: jsonArgument,
  async run({ args: given }) {
    checkArguments(given, jsonArgument, 0);
    const rows = await doctor();
    if (given.json) return printJson(rows);
    process.stdout.write(`${formatDoctor(rows)}\n`);
  },
});
