import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCompact } from '../src/format.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatPoints,
  formatRatio,
  formatShape,
  formatTable,
  histogram,
  renderReport,
  summarize,
  tensorTable,
} from '../src/index.js';
import { madeUpReport } from './fixture.js';

describe('formats', () => {
  it.each([
    [0, '0 B'],
    [999.4, '999 B'],
    [999.6, '1.00 kB'],
    [17_204, '17.2 kB'],
    [99_960, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [1_066_440, '1.07 MB'],
    [2.5e9, '2.50 GB'],
    [5e15, '5000 TB'],
  ])('%d bytes: %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('counts, percentages, points, ratios, times, shapes', () => {
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([950, 20_000, 1.5e6, 2e9].map(formatCompact)).toEqual(['950', '20k', '1.5M', '2G']);
    expect([0.98351, null, undefined].map((value) => formatPercent(value))).toEqual(['98.35 %', '—', '—']);
    expect([0.0005, -0.012, 0.000049, -0.000049].map(formatPoints)).toEqual([
      '+0.05',
      '−1.20',
      '±0.00',
      '±0.00',
    ]);
    expect([1, 9.999, 62.34, 1234].map(formatRatio)).toEqual(['1.00×', '10.0×', '62.3×', '1234×']);
    expect([0.81, 0.9999, 4.21, 59.7, 192, 3599.6, 7199, 7500].map(formatDuration)).toEqual([
      '810 ms',
      '1.0 s',
      '4.2 s',
      '1 min 0 s',
      '3 min 12 s',
      '1 h 0 min',
      '2 h 0 min',
      '2 h 5 min',
    ]);
    expect([[], [3], [5, 5, 1, 20]].map(formatShape)).toEqual(['scalar', '3', '5 × 5 × 1 × 20']);
  });
});

describe('formatTable', () => {
  it('aligns numbers right and text left', () => {
    const rows = [
      ['name', 'bytes', 'share'],
      ['a', 1200, '97.5 %'],
      ['longer', 30, '2.5 %'],
    ];
    expect(formatTable(rows)).toBe(
      [
        'name    bytes   share',
        '──────  ─────  ──────',
        'a        1200  97.5 %',
        'longer     30   2.5 %',
      ].join('\n'),
    );
    expect(formatTable(rows.slice(0, 2), { align: 'rl', indent: '> ' }).split('\n')[2]).toBe(
      '>    a  1200   97.5 %',
    );
    expect(formatTable([])).toBe('');
  });

  it('lets no name steer the terminal or mix up the lines', () => {
    const name = 'a\u001b[31mred\u0007\nnext\u202ereversed\u2028line';
    const text = formatTable([['name'], [name]]);
    expect(text.split('\n')).toHaveLength(3);
    const steering = ['\u001b', '\u0007', '\u202e', '\u2028'];
    for (const shown of [text, summarize(madeUpReport({ name }))]) {
      expect(steering.filter((character) => shown.includes(character))).toEqual([]);
    }
  });
});

describe('summarize', () => {
  it('says what was measured', () => {
    const lines = summarize(madeUpReport()).split('\n');
    expect(lines[0]).toBe('lenet-300-100 (made up) · seed 1 · native backend, 2 cores · 2 min 28 s');
    const row = (start: string): string =>
      lines.find((line) => line.startsWith(start))?.replace(/ {2,}/g, ' | ') ?? '';
    expect(row('size')).toBe('size | 1.07 MB | 16.1 kB | 66.1× smaller');
    expect(row('accuracy')).toBe('accuracy | 98.35 % | 98.30 % | −0.05 points');
    expect(row('quantize')).toBe('quantize | quantize | 6 | 22 s | 98.31 % | 13,723 | ≈ 24.0 kB');
    expect(row('Han 2015, p')).toBe('Han 2015, pruning | 19.4× | weights / non-zero weights');
  });

  it('says how long data were waited for, where a run knows it', () => {
    const { stages, ...rest } = madeUpReport();
    const waited = stages.map((stage, i) => (i === 3 ? stage : { ...stage, wait: 0.04 * stage.seconds }));
    const lines = summarize({ ...rest, stages: waited }).split('\n');
    const cells = (start: string): string[] =>
      lines.findLast((line) => line.startsWith(start))?.split(/ {2,}/) ?? [];
    expect(cells('stage').indexOf('data wait')).toBe(4);
    expect([cells('prune')[4], cells('encode').at(4)]).toEqual(['4.0 %', '—']);
    expect(renderReport({ ...rest, stages: waited })).toMatch(/Data wait.*4\.0 %/s);
    expect(renderReport({ ...rest, stages })).not.toContain('Data wait');
  });

  it('sums the tensors up', () => {
    const { tensors } = madeUpReport();
    const total = tensorTable(tensors).split('\n').at(-1);
    expect(total?.replace(/ {2,}/g, ' | ')).toBe('total | 266,610 | 13,723 | 5.1 % | 0.47 | 15,717');
  });
});

describe('histogram', () => {
  it('counts every finite weight once: in a bin, or as a zero', () => {
    const weights = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 50 });
    fc.assert(
      fc.property(weights, weights, fc.integer({ min: 1, max: 20 }), (before, after, bins) => {
        const made = histogram('w', before, after, { bins });
        const total = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
        expect(made.edges).toHaveLength(bins + 1);
        for (let i = 1; i <= bins; i++) expect(made.edges[i]).toBeGreaterThan(made.edges[i - 1]);
        expect(total(made.before) + made.zerosBefore).toBe(before.length);
        expect(total(made.after ?? []) + (made.zerosAfter ?? 0)).toBe(after.length);
      }),
    );
  });

  it('puts values into their bins, the greatest into the last one', () => {
    const { before, edges, zerosBefore } = histogram('w', [0, 1, 2, 2.5, 4, 0], undefined, { bins: 4 });
    expect(edges).toEqual([0, 1, 2, 3, 4]);
    expect(before).toEqual([0, 1, 2, 1]);
    expect(zerosBefore).toBe(2);
  });

  it('leaves out what is not finite', () => {
    const { before, edges } = histogram('w', [Number.NaN, Infinity, -Infinity, 1, 3], undefined, { bins: 2 });
    expect(edges).toEqual([1, 2, 3]);
    expect(before).toEqual([1, 1]);
  });
});
