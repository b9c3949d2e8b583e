import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { histogram, parseReport, type Report, renderReport } from '../src/index.js';
import { SCRIPT, SCRIPT_SHA256 } from '../src/page/script.js';
import { sizesOf } from '../src/page/stages.js';
import { madeUpReport } from './fixture.js';

const report = madeUpReport();
const page = renderReport(report);

describe('the page', () => {
  it('has the numbers that matter, each section and the command', () => {
    expect(page).toContain('<b>66.1×</b>');
    expect(page).toContain('<b>98.30 %</b>');
    expect(page).toContain('dense 98.35 %, −0.05 points');
    expect(page).toContain('<b>16.1 kB</b>');
    const titles = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map((match) => match[1]);
    expect(titles).toEqual([
      'Stage by stage',
      'Before and after',
      'Training',
      'Tensors',
      'Weights before and after',
      'Make it again',
    ]);
    expect(page).toContain('<pre>npx espalier run examples/lenet-300-100/recipe.yaml');
  });

  it('says in the tensor table where every byte of the file went', () => {
    const table = page.slice(page.indexOf('<table class="sortable">'), page.indexOf('</tfoot>'));
    const rows = [...table.matchAll(/<tr.*?<\/tr>/gs)].map(([row]) =>
      [...row.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map((cell) => cell[1].replace(/<.*/, '')),
    );
    const bytes = (row: string[], column: number): number => Number(row[column].replace(',', ''));
    const body = rows.slice(1, -2);
    const parts = body.reduce((sum, row) => sum + bytes(row, 7), 0);
    expect(body).toHaveLength(6);
    expect(rows.at(-2)?.[0]).toBe('headers and topology');
    expect(parts + bytes(rows.at(-2) ?? [], 1)).toBe(report.compressed.bytes);
  });

  it('is balanced markup: what is opened is closed, in order', () => {
    const open: string[] = [];
    const bare = page.replace(/<(style|script)>.*?<\/\1>/gs, '');
    for (const [, close, name, rest] of bare.matchAll(/<(\/?)([a-z0-9]+)((?:"[^"]*"|[^">])*)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!['meta', 'input'].includes(name) && !rest.endsWith('/')) open.push(name);
    }
    expect(open).toEqual([]);
  });

  it('asks for nothing: no address, no import, and its policy forbids it', () => {
    expect(
      page.match(/https?:|\/\/[a-z]|url\(|@import|<(link|img|iframe|object|base)|\s(src|href)=/i),
    ).toBeNull();
    expect(page).toContain('content="default-src &#39;none&#39;;');
    const hash = createHash('sha256').update(SCRIPT).digest('base64');
    expect(SCRIPT_SHA256).toBe(hash);
    expect(page).toContain(hash);
    expect(page.match(/<script>/g)).toHaveLength(1);
  });

  it('holds no number that is none', () => {
    expect(page.replace(SCRIPT, '').match(/NaN|Infinity|undefined|null|\[object/)).toBeNull();
    const drawn = page.match(/(?: d| x| y| cx| width)="[^"]*"/g) ?? [];
    expect(drawn.length).toBeGreaterThan(200);
    for (const attribute of drawn) expect(attribute).toMatch(/"[-MHVLZhvz\d. ]*"$/);
  });
});

describe('names that come from files', () => {
  const evil = `"'><img src=x onerror=alert(1)><script>alert(2)</script>&lt;\u0000`;
  const hostile = madeUpReport({
    name: evil,
    command: evil,
    createdAt: evil,
    paperRatios: { [evil]: { value: 1, counts: evil } },
    stages: [
      { name: evil, kind: evil, seconds: 1, bytes: 1000 },
      { name: `${evil}2`, kind: evil, seconds: 1, bytes: 900 },
    ],
    metrics: [0, 1].map((epoch) => ({ stage: evil, epoch, loss: 1 - epoch / 2 })),
    tensors: report.tensors.map((tensor) => ({ ...tensor, name: evil, codec: evil })),
    histograms: [histogram(evil, [1, 2, 3])],
    environment: { backend: evil, versions: { [evil]: evil }, cores: 1, node: evil, platform: evil },
  });

  it('are shown as they are, and never become markup', () => {
    const attacked = renderReport(hostile);
    expect(attacked).not.toContain('<img');
    expect(attacked).not.toContain('<script>alert');
    expect(attacked).not.toContain('\u0000');
    expect(attacked.match(/<script>/g)).toHaveLength(1);
    // No attribute but those that the page itself has.
    const tags =
      attacked.replace(/<(style|script)>.*?<\/\1>/gs, '').match(/<[a-z](?:"[^"]*"|[^">])*>/g) ?? [];
    for (const tag of tags) expect(tag.replace(/"[^"]*"/g, '')).not.toMatch(/onerror|alert|'/);
    expect(attacked).toContain('&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;');
    expect(attacked).toContain('&amp;lt;\\u0000');
  });
});

describe('a report of any size', () => {
  it('stays under 2 MB with a thousand tensors and a hundred thousand epochs', () => {
    const big: Report = madeUpReport({
      tensors: Array.from({ length: 1000 }, (_, i) => ({
        ...report.tensors[0],
        name: `block_${i}/conv2d/kernel`,
      })),
      histograms: Array.from({ length: 1000 }, (_, i) => ({
        ...report.histograms[0],
        tensor: `block_${i}/conv2d/kernel`,
      })),
      metrics: Array.from({ length: 100_000 }, (_, epoch) => ({
        stage: 'long',
        epoch,
        loss: 1 + Math.sin(epoch * epoch),
        validationAccuracy: 0.5 + 0.4 * Math.sin(epoch),
        sparsity: epoch / 100_000,
        learningRate: 0.1,
      })),
    });
    const large = renderReport(big);
    expect(Buffer.byteLength(large)).toBeLessThan(2_000_000);
    expect(large).toContain('880 smaller tensors are left out');
    expect(large).toContain('block_999/conv2d/kernel');
  });

  it('draws the least one there can be, and one without accuracy', () => {
    const figures = { accuracy: null, error: null, parameters: 0, nonzero: 0, bytes: 10 };
    const least = renderReport(
      madeUpReport({
        dense: figures,
        compressed: figures,
        ratio: 1,
        stages: [],
        metrics: [],
        tensors: [],
        histograms: [],
        paperRatios: {},
      }),
    );
    expect(least.match(/NaN|Infinity/)).toBeNull();
    expect(least).toContain('Weights left');
  });

  it('draws constant and single values', () => {
    const flat = renderReport(
      madeUpReport({
        metrics: [
          { stage: 'only', epoch: 0, loss: 0, validationAccuracy: 1, sparsity: 0, learningRate: 0.1 },
        ],
        histograms: [
          histogram('zeros', [0, 0], [0, 0]),
          histogram('one', [3], [3]),
          histogram('none', [], []),
        ],
      }),
    );
    expect(flat.match(/NaN|Infinity/)).toBeNull();
    expect(flat.match(/<circle/g)).toHaveLength(4);
  });
});

describe('the waterfall', () => {
  it('goes from float32 to the file, through the stages that changed the size', () => {
    expect(sizesOf(report).map(({ name, estimated }) => [name, estimated])).toEqual([
      ['float32', false],
      ['prune', true],
      ['quantize', true],
      ['encode', false],
    ]);
    const noEncode = sizesOf(madeUpReport({ stages: report.stages.slice(0, 3) }));
    expect(noEncode.at(-1)).toEqual({ name: 'file', bytes: report.compressed.bytes, estimated: false });
  });

  it('is drawn from what parseReport lets through', () => {
    expect(renderReport(parseReport(JSON.stringify(report)))).toBe(page);
  });
});
