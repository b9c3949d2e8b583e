import type { HistogramFigure, JointFigure, JointFrame } from '@espalier/core';
import type { Mixture } from './mixture.js';

const jointBins = 80;
const histogramBins = 120;

export interface Axis {
  readonly low: number;
  readonly high: number;
}

/** Counts pairs of initial and present weights. */
export function jointFrame(
  label: string,
  { low, high }: Axis,
  initial: readonly Float32Array[],
  present: readonly Float32Array[],
  mixture: Mixture,
): JointFrame {
  const counts = new Uint32Array(jointBins * jointBins);
  const perUnit = jointBins / (high - low);
  const bin = (w: number): number => Math.max(0, Math.min(jointBins - 1, ((w - low) * perUnit) | 0));
  for (const [i, values] of present.entries()) {
    const from = initial[i];
    for (let k = 0; k < values.length; k++) counts[bin(from[k]) + jointBins * bin(values[k])]++;
  }
  const cells: number[] = [];
  for (let at = 0; at < counts.length; at++) if (counts[at] > 0) cells.push(at, counts[at]);
  const round = (x: number): number => Number(x.toPrecision(5));
  const components = Array.from(mixture.means, (mean, j) => ({
    mean: round(mean),
    deviation: round(Math.exp(-mixture.logPrecisions[j] / 2)),
    share: round(Math.exp(mixture.logShares[j])),
  }));
  return { label, cells, components };
}

export function jointFigure(title: string, axis: Axis, frames: readonly JointFrame[]): JointFigure {
  return { kind: 'joint', title, x: 'initial weight', y: 'weight', ...axis, bins: jointBins, frames };
}

/** Counts weights, apart from those that are exactly 0. */
export function histogramSeries(
  label: string,
  { low, high }: Axis,
  weights: readonly Float32Array[],
): HistogramFigure['series'][number] {
  const counts = new Array<number>(histogramBins).fill(0);
  const perUnit = histogramBins / (high - low);
  let zeros = 0;
  for (const values of weights) {
    for (let k = 0; k < values.length; k++) {
      const w = values[k];
      if (w === 0) zeros++;
      else counts[Math.max(0, Math.min(histogramBins - 1, ((w - low) * perUnit) | 0))]++;
    }
  }
  return { label, counts, zeros };
}
