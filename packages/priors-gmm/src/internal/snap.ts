import type { QuantizedTensor } from '@espalier/core';
import { mostResponsible } from '../components.js';
import type { Mixture } from '../mixture.js';

/** For every weight the component with the nearest mean. */
export function nearestMean({ means }: Mixture, weights: Float32Array): Uint16Array {
  const order = Array.from(means.keys()).sort((a, b) => means[a] - means[b]);
  const middles = order.slice(1).map((j, i) => (means[j] + means[order[i]]) / 2);
  return Uint16Array.from(weights, (w) => {
    let at = 0;
    while (at < middles.length && w >= middles[at]) at++;
    return order[at];
  });
}

/**
 * Brings weights to the values of their components: strictly ascending codebook without unused or equal
 * entries, and 0 an entry that fine-tuning leaves alone.
 *
 * @param pruned - 0 where a weight is held at 0 by a mask.
 */
export function snap(
  mixture: Mixture,
  weights: Float32Array,
  assign: 'responsible' | 'nearest',
  values: 'means' | 'averages',
  pruned?: ArrayLike<number>,
): QuantizedTensor {
  const components = assign === 'nearest' ? nearestMean(mixture, weights) : mostResponsible(mixture, weights);
  const size = mixture.means.length;
  const counts = new Float64Array(size);
  const sums = new Float64Array(size);
  for (let i = 0; i < components.length; i++) {
    if (pruned !== undefined && pruned[i] === 0) components[i] = 0;
    counts[components[i]]++;
    sums[components[i]] += weights[i];
  }
  const value = (j: number): number =>
    j === 0 ? 0 : Math.fround(values === 'means' ? mixture.means[j] : sums[j] / counts[j]);
  const used = Array.from(counts.keys()).filter((j) => counts[j] > 0);
  const codebook = Float32Array.from(new Set(used.map(value))).sort();
  const places = Uint16Array.from(counts, (count, j) => (count > 0 ? codebook.indexOf(value(j)) : 0));
  const indices = new (codebook.length <= 256 ? Uint8Array : Uint16Array)(components.length);
  for (let i = 0; i < indices.length; i++) indices[i] = places[components[i]];
  const zero = codebook.indexOf(0);
  return { codebook, indices, ...(zero >= 0 && { fixed: [zero] }) };
}
