import { checkOptions, EspalierError } from '@espalier/core';

/**
 * A Gamma prior on the precisions λ = 1/σ² of components (an inverse-Gamma prior on their variances), its
 * density proportional to λ^(a-1) exp(-b λ). Say where it peaks and how much it weighs:
 *
 * - `deviation` (the σ it pulls towards) or `mode` (the precision it pulls towards, 1/σ²), and `strength`: it
 *   counts as much as that many weights that lie `deviation` from the mean. a = 1 + strength/2, b = (a - 1)/mode.
 * - or the raw `a` (shape, > 1) and `b` (rate, > 0).
 */
export type GammaPrior =
  | { readonly deviation: number; readonly strength: number }
  | { readonly mode: number; readonly strength: number }
  | { readonly a: number; readonly b: number };

/** A Beta prior on the share π_0 of the zero component, by its mode and weight, or raw. */
export type BetaPrior =
  | {
      /** Where it peaks, in (0, 1). */
      readonly mode: number;
      /** It counts as much as that many weights. */
      readonly strength: number;
    }
  | { readonly a: number; readonly b: number };

/** Shape and rate, or the two shapes. */
export interface Shapes {
  readonly a: number;
  readonly b: number;
}

function positive(owner: string, fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY) continue;
    throw new EspalierError('invalid-option', `${owner}.${name} is ${String(value)}.`, {
      remedy: 'Give a number > 0.',
    });
  }
}

/**
 * Shape a and rate b of a Gamma prior.
 *
 * @throws EspalierError `invalid-option`, `unknown-option`
 *
 * @example
 * ```ts
 * import { gammaShapes } from '@espalier/priors-gmm';
 * const { a, b } = gammaShapes({ deviation: 0.02, strength: 9998 }); // the tutorial's zero component
 * if (a !== 5000 || Math.abs(b - 2) > 1e-3) throw new Error(`${a} ${b}`);
 * ```
 */
export function gammaShapes(prior: GammaPrior, owner = 'gammaShapes'): Shapes {
  checkOptions(owner, prior, ['deviation', 'mode', 'strength', 'a', 'b']);
  if ('a' in prior || 'b' in prior) {
    const { a, b } = prior as Shapes;
    positive(owner, { a, b });
    if ('strength' in prior || 'mode' in prior || 'deviation' in prior) {
      throw new EspalierError('invalid-option', `${owner} is given twice.`, {
        remedy: 'Give deviation and strength, or mode and strength, or a and b.',
      });
    }
    return { a, b };
  }
  const { deviation, mode, strength } = prior as { deviation?: number; mode?: number; strength: number };
  if ((deviation === undefined) === (mode === undefined)) {
    throw new EspalierError('invalid-option', `${owner} says neither or both of deviation and mode.`, {
      remedy: 'Give deviation and strength, or mode and strength, or a and b.',
    });
  }
  positive(owner, mode === undefined ? { deviation, strength } : { mode, strength });
  const a = 1 + strength / 2;
  return { a, b: (a - 1) * (mode === undefined ? deviation! ** 2 : 1 / mode) };
}

/**
 * The two shapes of a Beta prior: a - 1 and b - 1 are the weights' worth of zeros and non-zeros it adds.
 *
 * @example
 * ```ts
 * import { betaShapes } from '@espalier/priors-gmm';
 * const { a, b } = betaShapes({ mode: 0.75, strength: 8 }); // as if 6 zeros and 2 others had been seen
 * if (a !== 7 || b !== 3) throw new Error(`${a} ${b}`);
 * ```
 */
export function betaShapes(prior: BetaPrior, owner = 'betaShapes'): Shapes {
  checkOptions(owner, prior, ['mode', 'strength', 'a', 'b']);
  if ('a' in prior) {
    positive(owner, { a: prior.a, b: prior.b });
    return { a: prior.a, b: prior.b };
  }
  const { mode, strength } = prior;
  positive(owner, { mode, strength });
  if (mode >= 1) {
    throw new EspalierError('invalid-option', `${owner}.mode is ${mode}.`, {
      remedy: 'Give a number in (0, 1).',
    });
  }
  return { a: 1 + mode * strength, b: 1 + (1 - mode) * strength };
}

/** -log of the Gamma density at λ = e^γ, without its constant: (1 - a) γ + b e^γ. */
export function gammaLoss({ a, b }: Shapes, logPrecision: number): number {
  return (1 - a) * logPrecision + b * Math.exp(logPrecision);
}

/** Its derivative with respect to γ. */
export function gammaSlope({ a, b }: Shapes, logPrecision: number): number {
  return 1 - a + b * Math.exp(logPrecision);
}

/** -log of the Beta density at π, without its constant. */
export function betaLoss({ a, b }: Shapes, share: number): number {
  return -(a - 1) * Math.log(share) - (b - 1) * Math.log1p(-share);
}

/** Its derivative with respect to the logit of π. */
export function betaSlope({ a, b }: Shapes, share: number): number {
  return -(a - 1) * (1 - share) + (b - 1) * share;
}
