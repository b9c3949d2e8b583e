import {
  ABSENT,
  formatBytes,
  formatCount,
  formatError,
  formatPercent,
  formatRatio,
  formatShape,
  formatValue,
} from '../format.js';
import { type Cell, formatTable } from '../table.js';
import type { InspectedTensor, Inspection } from './types.js';

const bits = (bytes: number, weights: number): string =>
  weights === 0 ? ABSENT : ((8 * bytes) / weights).toFixed(2);

/** Sums over all tensors. */
export function sumsOf(tensors: readonly InspectedTensor[]): {
  parameters: number;
  nonzero: number;
  bytes: number;
} {
  const sum = (key: 'parameters' | 'nonzero' | 'bytes'): number => tensors.reduce((n, t) => n + t[key], 0);
  return { parameters: sum('parameters'), nonzero: sum('nonzero'), bytes: sum('bytes') };
}

/** What is no tensor's, and how many bytes of the file that is. */
export function overheadOf({ tensors, bytes, overhead }: Inspection): [string, number][] {
  if (overhead === undefined) return [['headers and topology', bytes - sumsOf(tensors).bytes]];
  const { header, table, text } = overhead;
  return [
    ['header', header],
    ['tensor table', table],
    ['topology and names', text],
  ];
}

function facts(inspection: Inspection): string {
  const { tensors, bytes } = inspection;
  const all = sumsOf(tensors);
  const zeros = ({ parameters, nonzero }: { parameters: number; nonzero: number }): string =>
    parameters === 0 ? ABSENT : formatPercent(1 - nonzero / parameters, 1);
  const row = (t: InspectedTensor): Cell[] => [
    t.name,
    formatShape(t.shape),
    t.dtype,
    formatCount(t.parameters),
    zeros(t),
    formatCount(t.distinct),
    formatValue(t.min),
    formatValue(t.max),
    formatValue(t.deviation),
    t.entropy.toFixed(2),
    t.bitsPerWeight.toFixed(2),
    formatCount(t.bytes),
    t.codec,
  ];
  const blank = ['', '', '', '', ''];
  return formatTable(
    [
      'tensor,shape,type,weights,zeros,distinct,min,max,σ,entropy,bits/weight,bytes,coder'.split(','),
      ...tensors.map(row),
      ...overheadOf(inspection).map(([name, own]): Cell[] => [
        name,
        '',
        '',
        '',
        '',
        ...blank,
        '',
        formatCount(own),
        '',
      ]),
      [
        'all',
        '',
        '',
        formatCount(all.parameters),
        zeros(all),
        ...blank,
        bits(bytes, all.parameters),
        formatCount(bytes),
        '',
      ],
    ],
    { align: 'lllrrrrrrrrrl' },
  );
}

function costs({ tensors, forms, totals }: Inspection): string {
  const { parameters } = sumsOf(tensors);
  const line = (name: string, cell: (key: string) => string): Cell[] => [
    name,
    ...forms.map(({ key }) => cell(key)),
  ];
  const dense = totals[forms[0].key].bytes;
  return formatTable(
    [
      ['bytes as', ...forms.map(({ label }) => label)],
      ...tensors.map((t) => line(t.name, (key) => formatCount(t.costs[key].bytes))),
      line('all', (key) => formatCount(totals[key].bytes)),
      line('bits per weight', (key) => bits(totals[key].bytes, parameters)),
      line('smaller', (key) => formatRatio(dense / Math.max(1, totals[key].bytes))),
      line('error of weights', (key) => formatError(totals[key].error)),
    ],
    { align: `l${'r'.repeat(forms.length)}` },
  );
}

/**
 * What `espalier inspect` prints: a row of facts per tensor, what each would cost in other forms, and what the
 * forms are.
 *
 * @example
 * ```ts
 * import { inspectionTable, statistics } from '@espalier/report';
 * const { count, ...facts } = statistics([0, 1, 0, -1]);
 * const text = inspectionTable({
 *   name: 'tiny.esp', bytes: 90, packed: true,
 *   forms: [{ key: 'float32', label: 'float32', about: '4 bytes a weight.' }],
 *   totals: { float32: { bytes: 16, error: 0 } },
 *   tensors: [{ ...facts, name: 'w', shape: [2, 2], dtype: 'float32', parameters: count, nonzero: 2,
 *     bytes: 2, bitsPerWeight: 4, codec: 'ctx-fast', costs: { float32: { bytes: 16, error: 0 } } }],
 * });
 * if (!text.includes('2 × 2') || !text.includes('50.0 %') || !text.includes('1.50')) throw new Error(text);
 * ```
 */
export function inspectionTable(inspection: Inspection): string {
  const { name, packed, bytes, forms } = inspection;
  const title = formatTable([[`${name}: ${formatBytes(bytes)}${packed ? '' : ' as .esp, without loss'}`]]);
  const parts = [title.split('\n')[0], facts(inspection)];
  if (forms.length > 0) {
    const notes = formatTable([['form', ''], ...forms.map(({ label, about }) => [label, about])]);
    parts.push(costs(inspection), notes.split('\n').slice(2).join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}
