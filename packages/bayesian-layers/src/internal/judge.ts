/** A kernel's weights as a posterior has them, row-major. */
export interface Judged {
  /** The group of each weight. */
  readonly group: Int32Array;
  readonly means: ArrayLike<number>;
  /** log σ². */
  readonly logVariances: ArrayLike<number>;
  /** 0 for weights that are pruned. */
  readonly mask: ArrayLike<number> | undefined;
}

/** log σ²/μ² of a group without weights, and from where on a weight is noise beyond doubt. */
const [noise, hopeless] = [20, 3];

/** log σ²/μ² of weight i. */
const noiseToSignal = ({ means, logVariances }: Judged, i: number): number =>
  logVariances[i] - Math.log(means[i] ** 2 + 1e-30);

/**
 * What each group is judged by. Of normal-Jeffreys groups the log dropout rate of the best weight,
 * log(Var[w] / E[w]²) = log(α + (1 + α) σ²/μ²): a group is noise when its scale is (α), or all its weights are by
 * themselves. Of a horseshoe's groups the negative log mode of the scale, unless all weights are noise.
 *
 * @param rates - log α of the groups' scales if `relative`, else negative log modes.
 */
export function groupRates(rates: Float32Array, relative: boolean, weights: Judged): Float32Array {
  const { group, mask } = weights;
  const best = new Float64Array(rates.length).fill(noise);
  for (let i = 0; i < group.length; i++) {
    if (mask?.[i] === 0) continue;
    const ratio = noiseToSignal(weights, i);
    if (ratio < best[group[i]]) best[group[i]] = ratio;
  }
  if (!relative) return rates.map((rate, i) => (best[i] >= hopeless ? noise : rate));
  return rates.map((log, i) => {
    const alpha = Math.exp(log);
    return Math.log(alpha + (1 + alpha) * Math.exp(best[i]));
  });
}

/** Marks groups at or above a threshold in `dropped`, for good; one at least stays. */
export function dropGroups(rates: Float32Array, threshold: number, dropped: Uint8Array): void {
  let least = 0;
  for (let i = 1; i < rates.length; i++) {
    const better = dropped[i] < dropped[least] || rates[i] < rates[least];
    if (dropped[i] <= dropped[least] && better) least = i;
  }
  for (let i = 0; i < rates.length; i++) if (rates[i] >= threshold && i !== least) dropped[i] = 1;
}

/**
 * Which weights stay (1): those of groups that stay, and not mere noise by themselves.
 *
 * @param single - From which log σ²/μ² on a weight goes by itself.
 */
export function keptWeights(weights: Judged, dropped: Uint8Array, single: number | undefined): Float32Array {
  return Float32Array.from(weights.group, (g, i) => {
    if (dropped[g] === 1 || weights.mask?.[i] === 0) return 0;
    return single !== undefined && noiseToSignal(weights, i) >= single ? 0 : 1;
  });
}
