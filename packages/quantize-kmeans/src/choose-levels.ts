import { emptyBits, type Places, ratesOf } from './rate-model.js';

/** Weights to be quantised: those that are not zero; zeros stay zero. */
export interface Signal extends Places {
  readonly values: Float32Array;
  /** Importance >= 0 of each. */
  readonly weights: Float32Array;
}

/** A choice of levels and what it costs. */
export interface Levels {
  readonly step: number;
  /** Level of each value of the signal. */
  readonly levels: Int16Array;
  /** Greatest magnitude that a level may have. */
  readonly top: number;
  /** Reconstruction of level l at `[l + top]`. */
  readonly points: Float64Array;
  /** Weighted squared error. */
  readonly distortion: number;
  /** Estimated bits, codebook included. */
  readonly bits: number;
}

/** How levels are chosen. */
export interface ChoiceOptions {
  /** Weighted squared error that one bit is worth. */
  readonly lambda: number;
  /** Levels at multiples of the step, or each at the weighted mean of its members. */
  readonly reconstruction: 'centroid' | 'uniform';
  /** Rounds of choosing levels and learning rates and centroids. */
  readonly rounds: number;
}

/** Magnitudes a weight is tried at, downwards from the nearest. */
const candidates = 4;
const mostLevels = 16383;

/**
 * Levels that minimise distortion + lambda x bits for a step: entropy-constrained scalar quantisation (Chou,
 * Lookabaugh and Gray 1989), alternating between choosing each weight's level at the rates and points of now,
 * and estimating rates and points from the levels of now. A weight is tried at the nearest magnitude, at the
 * next smaller ones and at zero.
 */
export function chooseLevels(signal: Signal, width: number, options: ChoiceOptions): Levels {
  // As float32, so that a coder can find the grid again.
  const step = Math.fround(width);
  const { values, weights, rows, columns } = signal;
  const { lambda, reconstruction, rounds } = options;
  let peak = 0;
  for (let j = 0; j < values.length; j++) peak = Math.max(peak, Math.abs(values[j]));
  const top = Math.max(1, Math.min(mostLevels, Math.round(peak / step)));
  const nearest = Int16Array.from(values, (x) => Math.max(-top, Math.min(top, Math.round(x / step))));
  const levels = nearest.slice();
  const points = Float64Array.from({ length: 2 * top + 1 }, (_, i) => (i - top) * step);
  const entryBits = reconstruction === 'centroid' ? 32 : 0;
  const sums = new Float64Array(2 * top + 1);
  const masses = new Float64Array(2 * top + 1);
  let rates = ratesOf(signal, levels, top, entryBits);
  let distortion = 0;
  let bits = 0;
  for (let round = 0, changed = values.length; round < rounds && changed > values.length / 1000; round++) {
    if (round > 0) rates = ratesOf(signal, levels, top, entryBits);
    const { rowBits, columnBits, levelBits } = rates;
    sums.fill(0);
    masses.fill(0);
    distortion = 0;
    bits = 0;
    changed = 0;
    for (let j = 0; j < values.length; j++) {
      const x = values[j];
      const weight = weights[j];
      const presence = rowBits[rows[j]] + columnBits[columns[j]];
      let error = weight * x * x;
      let cost = error;
      let spent = 0;
      let level = 0;
      const side = x < 0 ? -1 : 1;
      const most = Math.max(1, Math.abs(nearest[j]));
      for (let m = most; m >= 1 && m > most - candidates; m--) {
        const d = x - points[side * m + top];
        const b = presence + levelBits[side * m + top];
        const c = weight * d * d + lambda * b;
        if (c < cost) {
          cost = c;
          error = weight * d * d;
          spent = b;
          level = side * m;
        }
      }
      if (levels[j] !== level) changed++;
      levels[j] = level;
      distortion += error;
      bits += spent;
      // The smallest mass makes the mean of members that are all unimportant their plain mean.
      sums[level + top] += (weight + 1e-30) * x;
      masses[level + top] += weight + 1e-30;
    }
    if (reconstruction === 'centroid') {
      for (let i = 0; i < points.length; i++) if (masses[i] > 0 && i !== top) points[i] = sums[i] / masses[i];
    }
  }
  return { step, levels, top, points, distortion, bits: bits + emptyBits(rates) };
}
