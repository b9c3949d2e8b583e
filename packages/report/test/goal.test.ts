import { describe, expect, it } from 'vitest';
import { goalView, parseReport, type Report, renderReport, stageTable, summarize } from '../src/index.js';
import { madeUpReport } from './fixture.js';

/** A report of a net whose labels are numbers: PSNR is what counts. */
function ofPictures(): Report {
  const report = madeUpReport();
  const figures = { accuracy: null, error: null };
  const psnr = (values: number): { metrics: Record<string, number> } => ({
    metrics: { psnr: values, ssim: 0.9 },
  });
  return parseReport({
    ...report,
    dense: { ...report.dense, ...figures, ...psnr(31.5) },
    compressed: { ...report.compressed, ...figures, ...psnr(31.25) },
    goal: { metric: 'psnr', better: 'higher' },
    measures: { psnr: { better: 'higher', unit: 'dB' }, ssim: { better: 'higher' } },
    stages: report.stages.map(({ accuracy: _, ...stage }, i) => ({ ...stage, loss: 0.1, ...psnr(30 + i) })),
    metrics: report.metrics.map(({ accuracy: _, validationAccuracy: __, ...epoch }) => ({
      ...epoch,
      validationMetrics: { psnr: 29 },
    })),
  });
}

describe('a goal that is not accuracy', () => {
  const report = ofPictures();
  const page = renderReport(report);

  it('is what the page shows: figures, plots, tables', () => {
    expect(page).not.toMatch(/accuracy/i);
    expect(page).toContain('<b>31.25 dB</b>');
    expect(page).toContain('dense 31.50 dB, −0.25 dB');
    for (const text of [
      'psnr against size',
      'psnr (dB)',
      '<th class="n">psnr</th>',
      'Validation psnr',
      'ssim',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('is what is told in text', () => {
    const text = summarize(report);
    expect(text).not.toMatch(/accuracy|error/);
    expect(text).toMatch(/psnr +31\.50 dB +31\.25 dB +−0\.25 dB/);
    expect(text).toMatch(/ssim +0\.9 +0\.9 +±0/);
    expect(stageTable(report.stages, goalView(report.goal, report.measures))).toMatch(/time +.*psnr/);
  });

  it('a table of each class, by the names of classes', () => {
    const classes = ['cat', 'dog'];
    const of = (values: (number | null)[]): object => ({ perClass: { f1: values } });
    const base = madeUpReport();
    const each = renderReport(
      parseReport({
        ...base,
        dense: { ...base.dense, ...of([0.5, 1]) },
        compressed: { ...base.compressed, ...of([0.25, null]) },
        measures: { f1: { better: 'higher', unit: 'share' } },
        classes,
      }),
    );
    const table = each.slice(each.indexOf('<h2>Each class</h2>'));
    expect(table).toMatch(/cat<\/td><td[^>]*>50\.00 %<\/td><td[^>]*>25\.00 %<\/td>/);
    expect(table).toMatch(/dog<\/td><td[^>]*>100\.00 %<\/td><td[^>]*>—<\/td>/);
    expect(page).not.toContain('Each class');
  });
});

it.each<[object, string]>([
  [{ goal: { metric: 'psnr', better: 'more' } }, 'goal.better'],
  [{ measures: { psnr: { unit: 'metres' } } }, 'measures.psnr.unit'],
  [{ classes: [1] }, 'classes[0]'],
])('refuses %j', (change, path) => {
  expect(() => parseReport({ ...madeUpReport(), ...change })).toThrow(path);
});
