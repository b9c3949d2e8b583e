import { expect, test } from 'vitest';
import { parseReport, renderReport, summarize } from '../src/index.js';
import { madeUpReport } from './fixture.js';

const report = madeUpReport();
const costly = {
  ...report,
  dense: {
    ...report.dense,
    macs: 2_293_000,
    inference: [
      { batchSize: 1, milliseconds: 2 },
      { batchSize: 100, milliseconds: 40 },
    ],
  },
  compressed: { ...report.compressed, macs: 229_300, inference: [{ batchSize: 100, milliseconds: 10 }] },
};

test('multiplications and measured times, where both models have them', () => {
  expect(parseReport(costly)).toEqual(costly);
  const text = summarize(costly);
  expect(text).toMatch(/multiplications +2,293,000 +229,300 +10\.00 %/);
  expect(text).toMatch(/time for 100 examples +40\.0 ms +10\.0 ms +4\.0\S* faster/);
  expect(text).not.toContain('time for one example');
  expect(renderReport(costly)).toContain('Multiplications');
});

test('what got slower is said to be slower', () => {
  const at = (milliseconds: number) => {
    const inference = [{ batchSize: 100, milliseconds }];
    return summarize({ ...costly, compressed: { ...costly.compressed, inference } });
  };
  expect(at(60)).toMatch(/60\.0 ms +1\.5\S* slower/);
  expect(at(41)).toMatch(/41\.0 ms +about the same/);
});

test('times that were taken in turns are told apart from chance, and the same is said to be the same', () => {
  const at = (milliseconds: number, faster: object | 'same') =>
    summarize(
      parseReport({
        ...costly,
        dense: { ...costly.dense, inference: [{ batchSize: 100, milliseconds: 40, quartiles: [38, 44] }] },
        compressed: {
          ...costly.compressed,
          inference: [{ batchSize: 100, milliseconds, quartiles: [9, 12], faster }],
        },
      }),
    );
  expect(at(10, { median: 3.9, low: 3.5, high: 4.4 })).toMatch(
    /40\.0 ms \(38\.0 to 44\.0\) +10\.0 ms \(9\.00 to 12\.0\) +3\.9\S* faster \(3\.5\S* to 4\.4\S*\)/,
  );
  expect(at(90, { median: 0.5, low: 0.4, high: 0.8 })).toMatch(/ 2\.0\S* slower \(1\.25\S* to 2\.5\S*\)/);
  expect(at(30, { median: 1.4, low: 0.9, high: 2 })).toContain('about the same');
  expect(at(40, { median: 1.02, low: 1.01, high: 1.03 })).toContain('about the same');
  expect(at(40, 'same')).toContain('the same computation');
  expect(() => at(40, { median: 1, low: 1 })).toThrow('faster.high');
});

test('nothing where there is nothing, and nonsense is refused', () => {
  expect(summarize(report)).not.toContain('multiplications');
  expect(() => parseReport({ ...costly, dense: { ...costly.dense, macs: -1 } })).toThrow('macs');
  const inference = [{ batchSize: 1, milliseconds: 'fast' }];
  expect(() => parseReport({ ...costly, dense: { ...costly.dense, inference } })).toThrow('milliseconds');
});
