/** The optimal splits of points on a line into 1, 2, … k intervals. */
export interface Partition {
  /** `costs[q]`: the least cost of all points in q intervals (for `pinned`: q beside the pinned one). */
  readonly costs: Float64Array;
  /** Positions where the q intervals end, ascending; for `pinned` the pinned interval's end comes first. */
  ends(q: number): Int32Array;
}

/**
 * Splits ascending weighted points into intervals of least total squared distance to their means, exactly, by
 * dynamic programming: F_q(i) = min_l F_{q-1}(l) + cost(l, i). The best l grows with i and with q (the cost has
 * the Monge property), so each layer is filled in O(m log m) by bisection.
 *
 * With `pinned`, an interval whose centre is held at 0 comes first and the q free ones follow it; the points
 * must then be positive.
 *
 * Source: Wu, Optimal quantization by matrix searching (1991); Wang and Song, Ckmeans.1d.dp (2011); Grønlund et
 * al., Fast exact k-means, k-medians and Bregman divergence clustering in 1D (2017).
 */
export function partition(
  values: Float64Array,
  weights: Float64Array,
  k: number,
  pinned: boolean,
): Partition {
  const m = values.length;
  const most = Math.min(k, m);
  // Sums about the middle of the points keep the differences below exact to float64 rounding.
  const origin = pinned || m === 0 ? 0 : values[m >>> 1];
  const W = new Float64Array(m + 1);
  const S = new Float64Array(m + 1);
  const Q = new Float64Array(m + 1);
  for (let i = 0; i < m; i++) {
    const x = values[i] - origin;
    W[i + 1] = W[i] + weights[i];
    S[i + 1] = S[i] + weights[i] * x;
    Q[i + 1] = Q[i] + weights[i] * x * x;
  }
  const costs = new Float64Array(most + 1);
  let before: Float64Array = new Float64Array(m + 1).fill(Number.POSITIVE_INFINITY);
  before[0] = 0;
  if (pinned) before.set(Q);
  costs[0] = before[m];
  let layer = new Float64Array(m + 1);
  const best: Int32Array[] = [new Int32Array(m + 1)];
  for (let q = 1; q <= most; q++) {
    best.push(new Int32Array(m + 1));
    layer.fill(Number.POSITIVE_INFINITY);
    fillLayer(before, layer, best[q - 1], best[q], q, W, S, Q);
    costs[q] = layer[m];
    [before, layer] = [layer as Float64Array<ArrayBuffer>, before as Float64Array<ArrayBuffer>];
  }
  return {
    costs,
    ends(q) {
      const ends = new Int32Array(pinned ? q + 1 : q);
      let end = m;
      for (let j = q, at = ends.length - 1; at >= 0; j--, at--) {
        ends[at] = end;
        if (j > 0) end = best[j][end];
      }
      return ends;
    },
  };
}

/** F_q for every i >= q: the middle i first, whose best l then bounds those of the i on either side. */
function fillLayer(
  before: Float64Array,
  layer: Float64Array,
  bestBefore: Int32Array,
  best: Int32Array,
  q: number,
  W: Float64Array,
  S: Float64Array,
  Q: Float64Array,
): void {
  const m = W.length - 1;
  const offset = q - 1;
  for (let step = 2 ** Math.floor(Math.log2(m - offset)); step >= 1; step /= 2) {
    for (let i = offset + step; i <= m; i += 2 * step) {
      const high = Math.min(i - 1, i + step <= m ? best[i + step] : i - 1);
      const low = Math.min(high, Math.max(offset, bestBefore[i], i - step > offset ? best[i - step] : 0));
      const w = W[i];
      const s = S[i];
      let bestCost = Number.POSITIVE_INFINITY;
      let bestL = low;
      for (let l = low; l <= high; l++) {
        const d = s - S[l];
        const cost = before[l] - Q[l] - (d * d) / (w - W[l]);
        if (cost < bestCost) {
          bestCost = cost;
          bestL = l;
        }
      }
      layer[i] = Q[i] + bestCost;
      best[i] = bestL;
    }
  }
}
