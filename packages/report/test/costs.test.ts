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

test('nothing where there is nothing, and nonsense is refused', () => {
  expect(summarize(report)).not.toContain('multiplications');
  expect(() => parseReport({ ...costly, dense: { ...costly.dense, macs: -1 } })).toThrow('macs');
  const inference = [{ batchSize: 1, milliseconds: 'fast' }];
  expect(() => parseReport({ ...costly, dense: { ...costly.dense, inference } })).toThrow('milliseconds');
});
