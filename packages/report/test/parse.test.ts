import { describe, expect, it } from 'vitest';
import { parseReport, ReportError } from '../src/index.js';
import { madeUpReport } from './fixture.js';

/** A report with one value replaced, by path. */
function broken(path: string, value: unknown): string {
  const report = structuredClone(madeUpReport()) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  let at = report;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[keys.at(-1)!] = value;
  return JSON.stringify(report);
}

describe('parseReport', () => {
  it('takes what JSON makes of a report, and keeps keys of later versions', () => {
    const report = madeUpReport();
    expect(parseReport(JSON.stringify(report))).toEqual(report);
    expect(parseReport(JSON.parse(broken('later', { a: 1 })))).toHaveProperty('later', { a: 1 });
  });

  it.each([
    ['version', 2, 'version: 2; expected 1.'],
    ['name', undefined, 'name: missing; expected a string.'],
    ['dense.accuracy', 98.3, 'dense.accuracy: 98.3; expected a number in [0, 1].'],
    ['dense.accuracy', null, 'dense.error: 0.01649'],
    ['compressed.error', 0.5, 'compressed.error: 0.5; expected 1 - accuracy (accuracy is 0.983).'],
    ['compressed.bytes', 12.5, 'compressed.bytes: 12.5; expected a whole number >= 1.'],
    ['compressed.nonzero', 1e9, 'compressed.nonzero: 1000000000; expected at most parameters (266610).'],
    ['ratio', 100, 'ratio: 100; expected dense.bytes / compressed.bytes = 66.1'],
    ['paperRatios.x', 7, 'paperRatios.x: 7; expected an object.'],
    ['stages', {}, 'stages: {}; expected a list.'],
    ['stages.1.seconds', -1, 'stages[1].seconds: -1; expected a number >= 0.'],
    ['stages.1.estimated', 'yes', 'stages[1].estimated: "yes"; expected true or false.'],
    ['metrics.3.loss', null, 'metrics[3].loss: null; expected a number.'],
    ['tensors.0.shape.1', 'a', 'tensors[0].shape[1]: "a"; expected a whole number >= 0.'],
    ['histograms.0.before', [1, 2], 'histograms[0].before: 2 bins; 81 edges make 80.'],
    ['histograms.0.edges.5', -9, 'histograms[0].edges[5]: -9; expected more than'],
    ['environment.cores', 0, 'environment.cores: 0; expected a whole number >= 1.'],
  ])('says where, what and what was expected: %s = %j', (path, value, message) => {
    expect(() => parseReport(broken(path, value))).toThrow(ReportError);
    expect(() => parseReport(broken(path, value))).toThrow(message);
  });

  it('refuses what is not JSON, or not an object', () => {
    expect(() => parseReport('{')).toThrow('report: not JSON');
    for (const value of [null, 1, [], '"a"', undefined])
      expect(() => parseReport(value)).toThrow('expected an object');
  });

  it('shortens long values', () => {
    expect(() => parseReport(broken('seed', 'x'.repeat(1000)))).toThrow(
      /^seed: "x{58}…; expected a number\.$/,
    );
  });
});
