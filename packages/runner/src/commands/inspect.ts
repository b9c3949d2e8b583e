import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectUpdate } from '@espalier/codec/update';
import { unknownName } from '@espalier/core';
import { readable, readWhole } from '@espalier/formats';
import { inspectModel } from '@espalier/inspection';
import {
  formatTable,
  type InspectedTensor,
  inspectionCsv,
  inspectionTable,
  renderInspection,
} from '@espalier/report';
import { defineCommand } from 'citty';
import { layout, writeWhole } from '../pipeline/files.js';
import { print, tell } from '../terminal/stream.js';
import { checkArguments, jsonArgument, printJson, warn } from './common.js';

const args = {
  model: {
    type: 'positional',
    required: true,
    description: `${readable}; or a run's folder; or an update (.espd)`,
  },
  sort: {
    type: 'string',
    default: 'order',
    description:
      'Rows by order (in the model), name, or the largest first: weights, bytes, entropy, sparsity',
    valueHint: 'key',
  },
  costs: {
    type: 'boolean',
    default: true,
    description: 'What the tensors would take in other forms',
    negativeDescription: 'Leave out what the tensors would take in other forms',
  },
  html: {
    type: 'string',
    description: 'Write a page with plots: one file that opens without a network',
    valueHint: 'file',
  },
  csv: { type: 'boolean', default: false, description: 'Print a CSV table on stdout' },
  ...jsonArgument,
} as const;

const sparsity = ({ nonzero, parameters }: InspectedTensor): number =>
  parameters === 0 ? 0 : 1 - nonzero / parameters;

const orders: Readonly<Record<string, (a: InspectedTensor, b: InspectedTensor) => number>> = {
  order: () => 0,
  name: (a, b) => (a.name < b.name ? -1 : 1),
  weights: (a, b) => b.parameters - a.parameters,
  bytes: (a, b) => b.bytes - a.bytes,
  entropy: (a, b) => b.entropy - a.entropy,
  sparsity: (a, b) => sparsity(b) - sparsity(a),
};

/** A run's folder stands for the model that it made. */
async function modelIn(path: string): Promise<string> {
  const packed = join(path, layout.model);
  return (await stat(packed).catch(() => undefined))?.isFile() ? packed : path;
}

/** An update knows the files that it is for and makes; all else of it takes the old one to be read. */
async function showUpdate(file: string, json: boolean): Promise<void> {
  const { updateBytes, old, new: made, whole } = inspectUpdate(await readWhole(file));
  if (json) return printJson({ file, updateBytes, old, new: made, whole });
  const row = (what: string, { fileBytes, sha256 }: typeof old): string[] => [
    what,
    `${fileBytes}`,
    `${sha256}…`,
  ];
  print(
    `${file}: an update of ${updateBytes} bytes${whole ? ', which holds the new file as it is' : ''}\n\n`,
  );
  print(`${formatTable([['', 'bytes', 'SHA-256'], row('for', old), row('makes', made)])}\n`);
}

/** Shown by --help. */
export const example = 'espalier inspect runs/demo --sort bytes';

export default defineCommand({
  meta: {
    name: 'inspect',
    description: 'What the tensors of a model hold, what they take, and what they would take in other forms.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    if (!Object.hasOwn(orders, given.sort)) throw unknownName('order', given.sort, Object.keys(orders));
    if (given.model.endsWith('.espd')) return showUpdate(given.model, given.json);
    const { inspection, file, path, pictureOf } = await inspectModel(await modelIn(given.model), {
      name: given.model,
      costs: given.costs,
      log: warn,
    });
    const { packed, totals, forms } = inspection;
    const tensors = [...inspection.tensors].sort(orders[given.sort]);
    if (given.html !== undefined) {
      await writeWhole(given.html, renderInspection({ ...inspection, tensors }, pictureOf));
      tell(`${given.html} is written.\n`);
    }
    if (given.json) return printJson({ ...file, file: path, packed, forms, totals, tensors });
    print(given.csv ? inspectionCsv(tensors, forms) : inspectionTable({ ...inspection, tensors }));
  },
});
