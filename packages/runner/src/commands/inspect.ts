import { readFile } from 'node:fs/promises';
import { encode, inspect } from '@espalier/codec';
import { formatBytes, formatTable, type TensorReport } from '@espalier/report';
import { defineCommand } from 'citty';
import { readArtifacts } from '../pipeline/model-files.js';
import { tensorRows } from '../pipeline/report.js';
import { checkArguments, jsonArgument, printJson } from './common.js';

const args = {
  model: { type: 'positional', required: true, description: 'model.json, its folder, or an .esp file' },
  ...jsonArgument,
} as const;

function table(rows: readonly TensorReport[]): string {
  const sum = (of: (row: TensorReport) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const total = {
    parameters: sum((row) => row.parameters),
    nonzero: sum((row) => row.nonzero),
    bytes: sum((row) => row.bytes),
  };
  const line = (
    name: string,
    shape: string,
    row: typeof total,
    distinct: string,
    codec: string,
  ): string[] => [
    name,
    shape,
    String(row.parameters),
    String(row.nonzero),
    distinct,
    (row.parameters === 0 ? 0 : (8 * row.bytes) / row.parameters).toFixed(3),
    String(row.bytes),
    codec,
  ];
  return formatTable([
    ['tensor', 'shape', 'weights', 'non-zero', 'distinct', 'bits/weight', 'bytes', 'coder'],
    ...rows.map((row) => line(row.name, `[${row.shape.join(', ')}]`, row, String(row.distinct), row.codec)),
    line('all', '', total, '', ''),
  ]);
}

/** Shown by --help. */
export const example = 'espalier inspect runs/demo/model.esp';

export default defineCommand({
  meta: {
    name: 'inspect',
    description: 'A row per tensor: shape, non-zeros, distinct values, bits, bytes.',
  },
  args,
  async run({ args: given }) {
    checkArguments(given, args);
    const { artifacts, file } = await readArtifacts(given.model);
    const packed = file.endsWith('.esp');
    const bytes = packed ? new Uint8Array(await readFile(file)) : encode(artifacts, { effort: 1 });
    const rows = tensorRows(bytes, artifacts);
    if (given.json) return printJson({ file, packed, ...inspect(bytes), tensors: rows });
    const note = packed
      ? `${formatBytes(bytes.length)} on disk`
      : `${formatBytes(bytes.length)} if packed as it is`;
    process.stdout.write(`${file}: ${note}\n\n${table(rows)}\n`);
  },
});
