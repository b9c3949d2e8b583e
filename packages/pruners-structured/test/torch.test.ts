import { readFileSync } from 'node:fs';
import { Run } from '@espalier/core';
import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { type StructuredLevelOptions, structuredLevel } from '../src/index.js';
import { chain, graph, mask, on, prune, write } from './models.js';

type Nested = readonly (number | Nested)[];
interface Row {
  readonly kind: string;
  readonly weight: Nested;
  /** Below 1 a fraction, else a count. */
  readonly amount: number;
  /** The order of the norm. */
  readonly n: '1' | '2' | 'inf';
  /** The axis whose slices go: of `[rows, columns]`, or of PyTorch's `[out, in, h, w]`. */
  readonly dim: 0 | 1;
  readonly mask: Nested;
}

/** Results of torch.nn.utils.prune.ln_structured 2.13. */
const { rows } = JSON.parse(
  readFileSync(new URL('fixtures/torch-ln-structured.json', import.meta.url), 'utf8'),
) as { rows: Row[] };

const criteria = { '1': 'l1', '2': 'l2', inf: 'max' } as const;
const flat = (nested: Nested): number[] => nested.flat(9) as number[];
const named = (chosen: readonly Row[]): [string, Row][] =>
  chosen.map((row, i) => [`${i}: ${row.kind}, ${row.amount} along ${row.dim}, norm ${row.n}`, row]);

/** `[out, in, h, w]` to `[h, w, in, out]`. */
function turned(nested: Nested): number[] {
  const w = nested as number[][][][];
  const [o, i, h, width] = [w.length, w[0].length, w[0][0].length, w[0][0][0].length];
  const out: number[] = [];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < i; c++) for (let f = 0; f < o; f++) out.push(w[f][c][y][x]);
  return out;
}

/** torch takes a number >= 1 as a count. */
const level = ({ amount, n, dim, weight }: Row, structure: StructuredLevelOptions['structure']) => {
  const size = dim === 0 ? weight.length : (weight[0] as Nested).length;
  const sparsity = amount < 1 ? amount : amount / size;
  const tied = structure === 'filters' || structure === 'channels' ? { tied: false } : {};
  return structuredLevel({ structure, sparsity, criterion: criteria[n], ...tied });
};

describe('torch.nn.utils.prune.ln_structured', () => {
  test.each(named(rows.filter(({ kind }) => !kind.includes('conv'))))('matrix %s', (_, row) => {
    const run = chain(row.weight as number[][]);
    prune(run, level(row, row.dim === 0 ? 'rows' : 'columns'), 'fc0/kernel');
    expect(mask(run, 'fc0/kernel')).toEqual(flat(row.mask));
  });

  test.each(named(rows.filter(({ kind }) => kind.includes('conv'))))('convolution %s', (_, row) => {
    const w = row.weight as number[][][][];
    const run = new Run(
      graph([8, 8, w[0].length], (x) =>
        on(
          layers.conv2d({
            name: 'conv',
            filters: w.length,
            kernelSize: [w[0][0].length, w[0][0][0].length],
            useBias: false,
          }),
          x,
        ),
      ),
    );
    write(run.parameter('conv/kernel'), turned(row.weight));
    prune(run, level(row, row.dim === 0 ? 'filters' : 'channels'), 'conv/kernel');
    expect(mask(run, 'conv/kernel')).toEqual(turned(row.mask));
  });
});
