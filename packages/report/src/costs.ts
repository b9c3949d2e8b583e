import { formatCount, formatPercent, formatRatio } from './format.js';
import type { Report } from './schema.js';

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
  for (const { batchSize, milliseconds } of dense.inference ?? []) {
    const after = compressed.inference?.find((one) => one.batchSize === batchSize)?.milliseconds;
    if (after === undefined) continue;
    rows.push({
      label: `time for ${batchSize === 1 ? 'one example' : `${formatCount(batchSize)} examples`}`,
      dense: `${milliseconds.toPrecision(3)} ms`,
      compressed: `${after.toPrecision(3)} ms`,
      change: speedChange(milliseconds, after),
    });
  }
  return rows;
}

/** Which of two times is shorter, and by how much; differences below a twentieth are not told from noise. */
function speedChange(before: number, after: number): string {
  if (!(before > 0 && after > 0)) return '';
  if (Math.abs(Math.log(before / after)) < Math.log(1.05)) return 'about the same';
  return before > after ? `${formatRatio(before / after)} faster` : `${formatRatio(after / before)} slower`;
}
