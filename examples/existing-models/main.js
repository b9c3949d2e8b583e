// node examples/existing-models/main.js [part of a name …] [--held-out folder] [--out folder] [--json]
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBackend } from '@espalier/backend';
import { measure } from './measure.js';
import { models } from './models.js';
import { describe } from './table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'held-out': { type: 'string' },
    out: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const unknown = positionals.find((part) => !models.some(({ name }) => name.includes(part)));
if (unknown !== undefined) {
  const names = models.map(({ name }) => name).join(', ');
  throw new Error(`No model's name has '${unknown}' in it. There are: ${names}.`);
}
await startBackend();
if (values.out) await mkdir(values.out, { recursive: true });
const rows = [];
for (const model of models) {
  if (positionals.length > 0 && !positionals.some((part) => model.name.includes(part))) continue;
  rows.push(
    ...(await measure(model, {
      folder: values['held-out'],
      write: async (name, file) => {
        if (values.out) await writeFile(join(values.out, name), file);
      },
      log: (line) => process.stderr.write(`${line}\n`),
    })),
  );
}
process.stdout.write(values.json ? `${JSON.stringify(rows, undefined, 2)}\n` : `${describe(rows)}\n`);
