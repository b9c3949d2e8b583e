import type { Sensitivity, SensitivityCurve, SensitivityPoint } from './sensitivity.js';

/**
 * For each tensor or group the largest measured level up to which accuracy, or the goal, has never become worse by more than
 * `maxDrop`; 0 where the first level is too much.
 */
export function bearable(
  { baseline, curves, goal }: Sensitivity,
  maxDrop: number,
): Map<SensitivityCurve, number> {
  const sign = goal?.better === 'lower' ? -1 : 1;
  const quality = ({ accuracy, value }: SensitivityPoint | Sensitivity['baseline']): number =>
    sign * (goal === undefined ? accuracy : (value ?? Number.NaN));
  const least = quality(baseline) - maxDrop;
  return new Map(
    curves.map((curve) => {
      const end = curve.points.findIndex((point) => !(quality(point) >= least));
      const within = end < 0 ? curve.points : curve.points.slice(0, end);
      return [curve, within.at(-1)?.sparsity ?? 0];
    }),
  );
}

/**
 * A schedule for a recipe that prunes each tensor as far as it bears by itself. Together they cost more: it is
 * where a search starts, to be followed by training.
 */
export function suggestion(measured: Sensitivity, maxDrop: number): object {
  const final: Record<string, number> = {};
  for (const [{ parameters }, sparsity] of bearable(measured, maxDrop)) {
    if (sparsity > 0) for (const name of parameters) final[name] = sparsity;
  }
  const { kind } = measured;
  const structure = { filter: 'filters', channel: 'channels' }[kind as 'filter' | 'channel'];
  const use = kind === 'element' ? '@espalier/pruners#agp' : '@espalier/pruners-structured#structuredAgp';
  return { use, options: { ...(structure && { structure }), final }, parameters: Object.keys(final) };
}
