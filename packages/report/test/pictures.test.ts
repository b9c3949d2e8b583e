import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codebook, mask, parseReport, type Report, renderReport } from '../src/index.js';
import { html } from '../src/markup.js';
import { textWidth } from '../src/plot/frame.js';
import { namedPoints } from '../src/plot/labels.js';
import { fit, linear } from '../src/plot/scale.js';
import { madeUpReport } from './fixture.js';

const values = Float32Array.from({ length: 1000 }, (_, i) => (i % 3 === 0 ? (i % 4) / 2 : 0));
const masked = mask('dense_3/kernel', [100, 10], values)!;
const shared = codebook('dense_3/kernel', values)!;
const report = madeUpReport({ masks: [masked], codebooks: [shared] });

describe('masks and codebooks of a report', () => {
  it('are drawn, with what the table of tensors knows of them', () => {
    const page = renderReport(parseReport(JSON.stringify(report)));
    const titles = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map((match) => match[1]);
    expect(titles.slice(-3)).toEqual(['Where the zeros are', 'Codebooks', 'Make it again']);
    const { parameters, nonzero } = report.tensors.find(({ name }) => name === 'dense_3/kernel')!;
    expect(page).toContain(`${(100 * (1 - nonzero / parameters)).toFixed(1)} % of 100 × 10 are 0`);
    // 750 of 1000 are 0: those that 3 does not divide, and of the others those that 4 divides.
    expect(shared).toEqual({ tensor: 'dense_3/kernel', values: [0, 0.5, 1, 1.5], counts: [750, 83, 83, 84] });
    expect(page).toContain('<td class="n">1.5</td><td class="n">84</td><td class="n">8.4 %</td>');
  });

  it.each([
    [{ masks: [{ ...masked, cells: masked.cells.slice(4) }] }, 'masks[0].cells'],
    [{ masks: [{ ...masked, cells: `${masked.cells.slice(0, -4)}AAA=` }] }, 'masks[0].cells'],
    [{ masks: [{ ...masked, cells: masked.cells.replace(/^./, '!') }] }, 'masks[0].cells'],
    [{ masks: [{ ...masked, width: 11, height: 10 }] }, 'masks[0].width'],
    [{ masks: [{ ...masked, rows: 0 }] }, 'masks[0].rows'],
    [{ codebooks: [{ ...shared, values: [0, 1, 0.5, 2] }] }, 'codebooks[0].values[2]'],
    [{ codebooks: [{ ...shared, counts: [1, 2, 3] }] }, 'codebooks[0].counts'],
    [{ codebooks: [{ ...shared, counts: [0, 1, 2, 3] }] }, 'codebooks[0].counts[0]'],
    [{ codebooks: [{ tensor: 'x', values: [], counts: [] }] }, 'codebooks[0].counts'],
  ])('are refused where they contradict themselves: %#', (change, path) => {
    let found: unknown;
    try {
      parseReport(JSON.stringify(madeUpReport(change as Partial<Report>)));
    } catch (error) {
      found = (error as { path?: unknown }).path;
    }
    expect(found).toBe(path);
  });

  it('keep the page under 2 MB, whatever there is of them', () => {
    const noise = Float32Array.from({ length: 4096 }, (_, i) => ((i * 7919) % 13) % 2);
    const many = (i: number): string => `block_${i}/kernel`;
    const book = Array.from({ length: 256 }, (_, i) => i / 7);
    const large = renderReport(
      madeUpReport({
        masks: Array.from({ length: 500 }, (_, i) => mask(many(i), [64, 64], noise)!),
        codebooks: Array.from({ length: 500 }, (_, i) => codebook(many(i), book)!),
        tensors: Array.from({ length: 500 }, (_, i) => ({ ...report.tensors[0], name: many(i) })),
        histograms: Array.from({ length: 500 }, (_, i) => ({ ...report.histograms[0], tensor: many(i) })),
      }),
    );
    expect(Buffer.byteLength(large)).toBeLessThan(2_000_000);
  });
});

describe('accuracy against size', () => {
  it('has a point for each stage that knows both, and for both ends', () => {
    const page = renderReport(report);
    const plot = page.slice(page.indexOf('aria-label="Accuracy against size"'));
    const points = plot.slice(0, plot.indexOf('</svg>')).match(/<title>.*?<\/title>/g);
    // The later a point is drawn the more it is on top: the file and the dense model lie over the stages.
    expect(points).toEqual([
      expect.stringMatching(/^<title>quantize: .*, 98\.31 % of the validation data/),
      expect.stringMatching(/^<title>prune: .*, 98\.38 % of the validation data/),
      '<title>dense: 1.07 MB, 98.32 % of the validation data</title>',
      expect.stringMatching(/^<title>the file: 16\.1 kB, 98\.30 % of the test data/),
      '<title>dense, float32: 1.07 MB, 98.35 % of the test data</title>',
    ]);
    const without = madeUpReport({ stages: [] });
    const none = { ...without.dense, accuracy: null, error: null };
    expect(renderReport({ ...without, dense: none })).not.toContain('Accuracy against size');
  });

  it('names points without one name on another or on a point, and joins those at one place', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const area = {
      left: 50,
      right: 550,
      top: 20,
      bottom: 280,
      x: fit(linear(0, 1), 50, 550),
      y: fit(linear(0, 1), 280, 20),
    };
    fc.assert(
      fc.property(fc.array(fc.tuple(share, share), { maxLength: 12 }), (list) => {
        const points = list.map(([x, y], i) => ({ x, y, name: `stage ${i}`, style: 's1', hint: '' }));
        const drawn = html`${namedPoints(points)(area)}`.source;
        const circles = [...drawn.matchAll(/d="M([\d.]+) ([\d.]+)h0"/g)].map(([, x, y]) => [
          Number(x),
          Number(y),
        ]);
        const boxes = [
          ...drawn.matchAll(/class="value halo ?(\w*)" x="([-\d.]+)" y="([-\d.]+)">([^<]*)/g),
        ].map(([, align, x, y, text]) => {
          const width = textWidth(text);
          const left = Number(x) - (align === 'end' ? width : align === 'middle' ? width / 2 : 0);
          return { left, right: left + width, top: Number(y) - 9, bottom: Number(y) + 2 };
        });
        for (const [i, a] of boxes.entries()) {
          for (const b of boxes.slice(i + 1))
            expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false);
          for (const [x, y] of circles)
            expect(x > a.left - 3 && x < a.right + 3 && y > a.top - 3 && y < a.bottom + 3).toBe(false);
        }
      }),
    );
    const same = [0, 1].map((i) => ({ x: 0.5, y: 0.5, name: `stage ${i}`, style: 's1', hint: `h${i}` }));
    expect(html`${namedPoints(same)(area)}`.source).toContain('>stage 0, stage 1</text>');
  });
});
