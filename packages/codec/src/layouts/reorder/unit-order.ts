/**
 * An order of units in which each is like the one before it: beginning with the fullest, always the unused one whose
 * weights that are not zero overlap most with those of the last (Jaccard index; where signs differ, three fifths
 * of an overlap), ties by index.
 *
 * `kernel` is [inputs…, units], as bit patterns; -0 counts as zero.
 */
export function unitOrder(kernel: Uint32Array, units: number): Int32Array {
  const inputs = kernel.length / units;
  const words = Math.ceil(inputs / 32);
  const support = new Int32Array(units * words);
  const minus = new Int32Array(units * words);
  const counts = new Int32Array(units);
  for (let i = 0; i < inputs; i++) {
    for (let u = 0; u < units; u++) {
      if (kernel[i * units + u] & 0x7fffffff) {
        support[u * words + (i >> 5)] |= 1 << (i & 31);
        if (kernel[i * units + u] >>> 31) minus[u * words + (i >> 5)] |= 1 << (i & 31);
        counts[u]++;
      }
    }
  }
  const order = new Int32Array(units);
  const used = new Uint8Array(units);
  let last = 0;
  for (let u = 1; u < units; u++) if (counts[u] > counts[last]) last = u;
  for (let n = 0; n < units; n++) {
    order[n] = last;
    used[last] = 1;
    let best = -1;
    let bestLikeness = -1;
    for (let u = 0; u < units; u++) {
      if (used[u]) continue;
      let both = 0;
      let alike = 0;
      for (let w = 0; w < words; w++) {
        const a = last * words + w;
        const b = u * words + w;
        const shared = support[a] & support[b];
        both += ones(shared);
        alike += ones(shared & ~(minus[a] ^ minus[b]));
      }
      const either = counts[last] + counts[u] - both;
      const likeness = either === 0 ? 5 : (3 * both + 2 * alike) / either;
      if (likeness > bestLikeness) {
        bestLikeness = likeness;
        best = u;
      }
    }
    last = best;
  }
  return order;
}

/** How many bits are set. */
function ones(x: number): number {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
