import { checkOptions, checkRange, EspalierError } from '@espalier/core';
import { Evaluator, logSumExp, type Mixture } from './mixture.js';

/** When two components of a mixture become one. */
export interface MergeRule {
  /** Symmetric Kullback-Leibler divergence in nats below which two components are one (the paper's rule). */
  readonly divergence?: number;
  /**
   * Distance of the means in units of the smaller deviation below which two components are one: two equal
   * Gaussians nearer than 2 make one hump (the practical rule).
   */
  readonly distance?: number;
}

/** KL(N_i || N_j) in nats. */
function divergence({ means, logPrecisions }: Mixture, i: number, j: number): number {
  const d = means[i] - means[j];
  return (
    0.5 * (logPrecisions[i] - logPrecisions[j]) +
    0.5 * Math.exp(logPrecisions[j]) * (Math.exp(-logPrecisions[i]) + d * d) -
    0.5
  );
}

function alike(mixture: Mixture, i: number, j: number, rule: MergeRule): boolean {
  const { means, logPrecisions } = mixture;
  if (rule.divergence !== undefined) {
    const both = 0.5 * (divergence(mixture, i, j) + divergence(mixture, j, i));
    if (both < rule.divergence) return true;
  }
  if (rule.distance === undefined) return false;
  const deviation = Math.exp(-0.5 * Math.max(logPrecisions[i], logPrecisions[j]));
  return Math.abs(means[i] - means[j]) < rule.distance * deviation;
}

/**
 * Merges components that have become one: shares add up, means and variances are their averages weighted by
 * share (Ullrich et al., eq. 8; the authors' code averages precisions). What merges with the zero component is
 * zero. Being alike is taken to be transitive.
 *
 * @returns The merged mixture, component 0 first, the others by mean; and for each of its components which old
 *   ones it is made of.
 *
 * @example
 * ```ts
 * import { mergeComponents, mixtureOf } from '@espalier/priors-gmm';
 * const mixture = mixtureOf([-0.3, -0.3, 0.2], [9, 8, 8, 8], [0, 0, 0], 0.9);
 * const { merged, from } = mergeComponents(mixture, { divergence: 1e-10 });
 * const means = Array.from(merged.means, (mean) => mean.toFixed(6)); // two averaged: -0.3 but for rounding
 * if (means.join() !== '0.000000,-0.300000,0.200000' || from[1].join() !== '1,2') throw new Error(means.join());
 * ```
 */
export function mergeComponents(
  mixture: Mixture,
  rule: MergeRule,
): { readonly merged: Mixture; readonly from: readonly (readonly number[])[] } {
  checkOptions('mergeComponents', rule, ['divergence', 'distance']);
  for (const key of ['divergence', 'distance'] as const) {
    if (rule[key] !== undefined) checkRange('mergeComponents', key, rule[key], 0, Number.MAX_VALUE);
  }
  const { means, logPrecisions, logShares } = mixture;
  const group = Array.from(means, (_, j) => j);
  for (let i = 0; i < means.length; i++) {
    for (let j = i + 1; j < means.length; j++) {
      if (group[i] === group[j] || !alike(mixture, i, j, rule)) continue;
      const [to, gone] = group[i] < group[j] ? [group[i], group[j]] : [group[j], group[i]];
      for (let k = 0; k < group.length; k++) if (group[k] === gone) group[k] = to;
    }
  }
  const made = [...new Set(group)].map((id) => {
    const members = Array.from(means.keys()).filter((j) => group[j] === id);
    const logShare = logSumExp(members.map((j) => logShares[j]));
    const average = (of: (j: number) => number): number =>
      members.reduce((sum, j) => sum + Math.exp(logShares[j] - logShare) * of(j), 0);
    const mean = id === 0 ? 0 : average((j) => means[j]);
    return { members, logShare, mean, logPrecision: -Math.log(average((j) => Math.exp(-logPrecisions[j]))) };
  });
  const [zero, ...others] = made;
  const ordered = [zero, ...others.sort((a, b) => a.mean - b.mean)];
  return {
    merged: {
      means: Float64Array.from(ordered, (c) => c.mean),
      logPrecisions: Float64Array.from(ordered, (c) => c.logPrecision),
      logShares: Float64Array.from(ordered, (c) => c.logShare),
    },
    from: ordered.map((c) => c.members),
  };
}

/**
 * For every weight the component that takes most responsibility for it: the greatest of
 * log π_j + γ_j/2 - λ_j (w - μ_j)²/2, in log space, so that a weight far from all means goes to a component
 * near it and not to the first one.
 *
 * @throws EspalierError `not-finite`
 *
 * @example
 * ```ts
 * import { mixtureOf, mostResponsible } from '@espalier/priors-gmm';
 * const mixture = mixtureOf([-0.1, 0.1], [8, 8, 8], [0, 0], 0.9);
 * const components = mostResponsible(mixture, Float32Array.of(0.001, 0.1, -0.09, 50));
 * if (components.join() !== '0,2,1,2') throw new Error(components.join());
 * ```
 */
export function mostResponsible(mixture: Mixture, weights: Float32Array | Float64Array): Uint16Array {
  const bounds = boundaries(mixture);
  const components = new Uint16Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i];
    if (!(w > Number.NEGATIVE_INFINITY && w < Number.POSITIVE_INFINITY)) {
      throw new EspalierError('not-finite', `Weight ${i} is ${w}.`);
    }
    let from = 0;
    let to = bounds.at.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (w >= bounds.at[middle]) from = middle + 1;
      else to = middle;
    }
    const component = bounds.between[from];
    components[i] = component;
  }
  return components;
}

/**
 * Where responsibility changes hands: the log-densities of two components are parabolas, which cross at most
 * twice, so the line falls into at most a few intervals, each with one component on top.
 */
function boundaries(mixture: Mixture): { at: Float64Array; between: Uint16Array } {
  const { means, logPrecisions, logShares } = mixture;
  const crossings = new Set<number>();
  for (let i = 0; i < means.length; i++) {
    for (let j = i + 1; j < means.length; j++) {
      // a w² + b w + c = 0, the difference of log-density i and log-density j.
      const [p, q] = [Math.exp(logPrecisions[i]), Math.exp(logPrecisions[j])];
      const a = -0.5 * (p - q);
      const b = p * means[i] - q * means[j];
      const c =
        logShares[i] -
        logShares[j] +
        0.5 * (logPrecisions[i] - logPrecisions[j]) -
        0.5 * (p * means[i] ** 2 - q * means[j] ** 2);
      for (const root of roots(a, b, c)) crossings.add(root);
    }
  }
  const sorted = [...crossings].sort((x, y) => x - y);
  const evaluator = Evaluator.of(mixture);
  const at: number[] = [];
  const between: number[] = [];
  for (let k = 0; k <= sorted.length; k++) {
    const [low, high] = [sorted[k - 1], sorted[k]];
    const inside =
      low === undefined
        ? high === undefined
          ? 0
          : high - 1
        : high === undefined
          ? low + 1
          : (low + high) / 2;
    evaluator.visit(inside);
    if (between.length > 0 && between[between.length - 1] === evaluator.most) continue;
    if (k > 0) at.push(low);
    between.push(evaluator.most);
  }
  return { at: Float64Array.from(at), between: Uint16Array.from(between) };
}

/** Real roots of a x² + b x + c, without cancellation; roots where no weight can be are left out. */
function roots(a: number, b: number, c: number): number[] {
  const found: number[] = [];
  if (Math.abs(a) < 1e-12 * Math.abs(b)) found.push(-c / b);
  else {
    const inside = b * b - 4 * a * c;
    if (!(inside > 0)) return [];
    const q = -0.5 * (b + Math.sign(b || 1) * Math.sqrt(inside));
    found.push(q / a, c / q);
  }
  return found.filter((root) => Math.abs(root) < 1e9);
}
