import { formatCount, formatPercent, formatRatio } from './format.js';
import type { InferenceReport, Report } from './schema.js';

/** A row of what a model costs, dense beside compressed, as text. */
export interface CostRow {
  readonly label: string;
  readonly dense: string;
  readonly compressed: string;
  /** What changed. */
  readonly change: string;
}

/** Multiplications and measured times, as far as both models have them. */
export function costRows({ dense, compressed }: Report): CostRow[] {
  const rows: CostRow[] = [];
  if (dense.macs !== undefined && compressed.macs !== undefined && dense.macs > 0) {
    rows.push({
      label: 'multiplications',
      dense: formatCount(dense.macs),
      compressed: formatCount(compressed.macs),
      change: formatPercent(compressed.macs / dense.macs),
    });
  }
  for (const before of dense.inference ?? []) {
    const { batchSize } = before;
    const after = compressed.inference?.find((one) => one.batchSize === batchSize);
    if (after === undefined) continue;
    rows.push({
      label: `time for ${batchSize === 1 ? 'one example' : `${formatCount(batchSize)} examples`}`,
      dense: formatTime(before),
      compressed: formatTime(after),
      change: speedChange(before.milliseconds, after),
    });
  }
  return rows;
}

/** The median, and the quartiles where they are known: `2.10 ms (2.05 to 2.31)`. */
function formatTime({ milliseconds, quartiles }: InferenceReport): string {
  const spread = quartiles === undefined ? '' : ` (${quartiles.map((ms) => ms.toPrecision(3)).join(' to ')})`;
  return `${milliseconds.toPrecision(3)} ms${spread}`;
}

/**
 * Which of two models is faster, and by how much. Where calls were compared in turns, a difference is one that chance does not
 * explain (95 %); of a twentieth it has to be always.
 */
function speedChange(before: number, { milliseconds, faster }: InferenceReport): string {
  if (faster === 'same') return 'the same computation';
  if (!(before > 0 && milliseconds > 0)) return '';
  const { median, low, high } = faster ?? { median: before / milliseconds, low: 0, high: 0 };
  const shown = faster === undefined || low > 1 || high < 1;
  if (!shown || Math.abs(Math.log(median)) < Math.log(1.05)) return 'about the same';
  const [ratio, from, to, word] =
    median > 1 ? [median, low, high, 'faster'] : [1 / median, 1 / high, 1 / low, 'slower'];
  const range = faster === undefined ? '' : ` (${formatRatio(from)} to ${formatRatio(to)})`;
  return `${formatRatio(ratio)} ${word}${range}`;
}
