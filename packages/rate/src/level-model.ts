/** What is known of the levels of a tensor: how wide its two parts spread, in steps, and how much the first one takes. */
export interface LevelModel {
  /** Scale of the spike around 0, in steps, > 0. */
  readonly spike: number;
  /** Scale of the tail, in steps, > 0. */
  readonly tail: number;
  /** Share of the spike, in (0, 1). */
  readonly share: number;
}

/** Share of what no Laplace distribution foresees. */
export const escapeShare: number = 2 ** -12;
/** So that the escapes of all whole numbers add up to 1: 1 / (π²/3 - 1). */
export const escapeHeight: number = 1 / (Math.PI ** 2 / 3 - 1);

/** The mass of a Laplace distribution around 0 in [v - ½, v + ½]: F(v + ½) - F(v - ½). */
function binMass(v: number, scale: number): number {
  const far = Math.abs(v);
  const near = Math.exp(-Math.abs(far - 0.5) / scale);
  const beyond = Math.exp(-(far + 0.5) / scale);
  return 0.5 * (far > 0.5 ? near - beyond : 2 - near - beyond);
}

/**
 * What a level costs, in bits: -log2 p(v), p the mass that the model has within half a step of v. Two Laplace
 * distributions around 0, a spike and a tail, and a share of 2^-12 that falls off as 1/(1 + |v|)², as the escapes of a
 * coder do, so that no level costs infinitely much. Over all whole numbers p adds up to 1.
 *
 * @param v - In steps; a whole number, or one that noise has moved (Ballé et al. 2017).
 *
 * @example
 * ```ts
 * import { levelBits } from '@espalier/rate';
 * const model = { spike: 0.1, tail: 1.5, share: 0.6 };
 * let sum = 0;
 * for (let level = -2000; level <= 2000; level++) sum += 2 ** -levelBits(model, level);
 * if (Math.abs(sum - 1) > 1e-6) throw new Error(String(sum));
 * ```
 */
export function levelBits({ spike, tail, share }: LevelModel, v: number): number {
  const laplace = share * binMass(v, spike) + (1 - share) * binMass(v, tail);
  const escaping = escapeHeight / (1 + Math.abs(v)) ** 2;
  return -Math.log2((1 - escapeShare) * laplace + escapeShare * escaping);
}
