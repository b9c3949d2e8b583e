import { hash } from '@espalier/core';

/** One dimension: a number in [0, 1], or one of so many choices, at (index + 1/2) / choices. */
export interface Dimension {
  readonly choices?: number;
}

/** Where a trial was; undefined in dimensions that did not count. */
export type Point = readonly (number | undefined)[];

/** Candidates that are compared, drawn from the model of what is good. */
const candidates = 24;

/** How many of n are called good: a tenth, at most 25. */
export const goodOf = (n: number): number => Math.min(Math.ceil(n / 10), 25);

/** Weights by age, the oldest first: what is older than the last 25 counts the less the older it is. */
function weightsOf(n: number): number[] {
  const old = Math.max(0, n - 25);
  return Array.from({ length: n }, (_, i) =>
    i >= old || old === 1 ? 1 : 1 / n + ((1 - 1 / n) * i) / (old - 1),
  );
}

/** Draws in (0, 1), all from one number. */
function draws(seed: number): () => number {
  let count = 0;
  return () => (hash(seed, count++) + 0.5) / 0x100000000;
}

/** Abramowitz & Stegun 7.1.26; off by at most 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y =
    1 -
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) *
      t *
      Math.exp(-x * x);
  return x < 0 ? -y : y;
}
const phi = (x: number): number => 0.5 * (1 + erf(x / Math.SQRT2));

/** What a kernel is in one dimension: a density around what was seen there. */
interface Bump {
  draw(random: () => number): number;
  /** The logarithm of the density. */
  log(x: number): number;
}

/** A Gaussian on [0, 1]. */
function gaussian(mean: number, width: number): Bump {
  const mass = phi((1 - mean) / width) - phi(-mean / width);
  const height = -Math.log(width * Math.sqrt(2 * Math.PI) * mass);
  return {
    draw(random) {
      for (;;) {
        const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
        const x = mean + width * normal;
        if (x >= 0 && x < 1) return x;
      }
    },
    log: (x) => height - 0.5 * ((x - mean) / width) ** 2,
  };
}

/** Mostly the choice that was seen; the others share what is known before any is. */
function choice(seen: number | undefined, choices: number, kernels: number): Bump {
  const share = 1 / kernels;
  const at = (x: number): number => Math.min(choices - 1, Math.floor(x * choices));
  const mass = Array.from({ length: choices }, (_, i) =>
    seen !== undefined && at(seen) === i ? share + 1 : share,
  );
  const total = mass.reduce((sum, one) => sum + one, 0);
  return {
    draw: (random) => (picked(mass, random) + 0.5) / choices,
    log: (x) => Math.log(mass[at(x)] / total),
  };
}

function picked(weights: readonly number[], random: () => number): number {
  let left = random() * weights.reduce((sum, one) => sum + one, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

/** In one dimension: how wide the Gaussian around each is, by the farther of its two neighbours. */
function widthsOf(seen: readonly (number | undefined)[]): (number | undefined)[] {
  const sorted = seen.flatMap((x) => x ?? []).sort((a, b) => a - b);
  const least = 1 / Math.min(100, 2 + seen.length);
  return seen.map((x) => {
    if (x === undefined) return undefined;
    if (sorted.length === 1) return Math.max(x, 1 - x);
    const left = x - (sorted[sorted.indexOf(x) - 1] ?? x);
    const right = (sorted[sorted.lastIndexOf(x) + 1] ?? x) - x;
    return Math.min(1, Math.max(least, left, right));
  });
}

/** A kernel for each point, and a wide one for what is known before any: products over the dimensions. */
class Mixture {
  readonly #kernels: readonly (readonly Bump[])[];
  readonly #weights: readonly number[];

  constructor(dimensions: readonly Dimension[], points: readonly Point[]) {
    const count = points.length + 1;
    const bumps = dimensions.map(({ choices }, d) => {
      const seen = points.map((point) => point[d]);
      if (choices !== undefined) return [...seen, undefined].map((x) => choice(x, choices, count));
      const widths = widthsOf(seen);
      // Where a dimension did not count nothing is known of it.
      const known = seen.map((x, i) =>
        x === undefined ? gaussian(0.5, 1) : gaussian(x, widths[i] as number),
      );
      return [...known, gaussian(0.5, 1)];
    });
    this.#kernels = Array.from({ length: count }, (_, i) => bumps.map((of) => of[i]));
    this.#weights = [...weightsOf(points.length), 1];
  }

  draw(random: () => number): number[] {
    return this.#kernels[picked(this.#weights, random)].map((bump) => bump.draw(random));
  }

  log(x: readonly number[]): number {
    const logs = this.#kernels.map((kernel, i) =>
      kernel.reduce((sum, bump, d) => sum + bump.log(x[d]), Math.log(this.#weights[i])),
    );
    const most = Math.max(...logs);
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    return most + Math.log(logs.reduce((sum, one) => sum + Math.exp(one - most), 0) / total);
  }
}

/**
 * The next point by tree-structured Parzen estimators (Bergstra et al. 2011), over all dimensions at once (Falkner et al.
 * 2018): of candidates drawn where good trials lie, the one where good ones are likeliest beside the others.
 *
 * @param good - Points of the good trials, the oldest first.
 * @param poor - Those of the others, the oldest first.
 */
export function tpe(
  dimensions: readonly Dimension[],
  good: readonly Point[],
  poor: readonly Point[],
  seed: number,
): number[] {
  const [likely, other] = [new Mixture(dimensions, good), new Mixture(dimensions, poor)];
  const random = draws(seed);
  let best: { x: number[]; gain: number } | undefined;
  for (let c = 0; c < candidates; c++) {
    const x = likely.draw(random);
    const gain = likely.log(x) - other.log(x);
    if (best === undefined || gain > best.gain) best = { x, gain };
  }
  return best!.x;
}
