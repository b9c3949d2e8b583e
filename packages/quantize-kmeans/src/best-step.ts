import { type ChoiceOptions, chooseLevels, type Levels, type Signal } from './choose-levels.js';

/** Steps tried lie at the rule's step times 2^(i / 2), i from -6 to 6. */
const halfOctaves = 6;

/**
 * The levels of least distortion + lambda x bits over all steps. At high rate the best step of a uniform
 * quantiser follows from lambda: D = w s^2 / 12 and dD/dR = -2 ln 2 D, so s = sqrt(6 lambda / (w ln 2)), w the
 * mean importance. At the low rates that matter here it lies within a few octaves of that, so those are tried,
 * on a sample of rows where the tensor is large.
 *
 * @param most - Values that the search for a step looks at, about.
 */
export function bestLevels(
  signal: Signal,
  lambda: number,
  reconstruction: ChoiceOptions['reconstruction'],
  most: number = 2 ** 18,
): Levels {
  if (signal.values.length === 0) return chooseLevels(signal, 1, { lambda, reconstruction, rounds: 1 });
  const rule = ruleStep(signal, lambda);
  const sample = sampleOf(signal, most);
  let best = Number.POSITIVE_INFINITY;
  let bestStep = rule;
  for (let i = -halfOctaves; i <= halfOctaves; i++) {
    const step = rule * 2 ** (i / 2);
    const { distortion, bits } = chooseLevels(sample, step, { lambda, reconstruction, rounds: 5 });
    const cost = distortion + lambda * bits;
    if (cost < best) {
      best = cost;
      bestStep = step;
    }
  }
  return chooseLevels(signal, bestStep, { lambda, reconstruction, rounds: 20 });
}

function ruleStep({ values, weights }: Signal, lambda: number): number {
  let weight = 0;
  let peak = 0;
  for (let j = 0; j < values.length; j++) {
    weight += weights[j];
    peak = Math.max(peak, Math.abs(values[j]));
  }
  const step = Math.sqrt((6 * lambda * values.length) / (weight * Math.LN2));
  // From a thousand levels to three.
  return Math.min(Math.max(step, peak / 1000), peak * 1.5);
}

/** Whole rows, evenly spread, so that the densities of rows and columns stay what they are. */
function sampleOf(signal: Signal, most: number): Signal {
  const { shape, rows, columns, values, weights } = signal;
  const every = Math.ceil(rows.length / most);
  const sampled = Math.ceil(shape.rows / every);
  if (every === 1 || sampled < 2) return signal;
  const chosen = (_: number, j: number): boolean => rows[j] % every === 0;
  return {
    shape: { rows: sampled, columns: shape.columns },
    rows: rows.filter(chosen).map((row) => row / every),
    columns: columns.filter(chosen),
    values: values.filter(chosen),
    weights: weights.filter(chosen),
  };
}
