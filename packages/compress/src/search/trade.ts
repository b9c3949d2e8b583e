/** Octaves that a tensor's steps are made wider or finer by, at most, and the parts of an octave that they go by. */
const widest = 1;
const finest = -6;
const parts = 4;

/** The offsets that are looked at, in octaves. */
export const offsets: readonly number[] = Array.from(
  { length: parts * (widest - finest) + 1 },
  (_, i) => finest + i / parts,
);

/** Weights of a tensor that tell what its steps cost. */
const sampled = 2 ** 14;

/** What weights take and err at each of the {@link offsets}, by themselves. */
export interface Curve {
  /** Bits of all weights. */
  readonly bits: readonly number[];
  /** Squares of the steps of offset 0 that all weights are off by. */
  readonly errors: readonly number[];
}

/**
 * The curve of a tensor's weights on these steps. Magnitudes are counted in classes of half an octave, and what tells one from the
 * others of its class as it is: of few weights, how often each level occurs would promise too much.
 */
export function curveOf(values: Float32Array, steps: Float64Array): Curve {
  const every = Math.ceil(values.length / sampled);
  const places = Float64Array.from({ length: Math.ceil(values.length / every) }, (_, i) =>
    Math.abs(values[i * every] / steps[i * every]),
  );
  const bits: number[] = [];
  const errors: number[] = [];
  for (const offset of offsets) {
    const scale = 2 ** -offset;
    const counts = new Float64Array(128);
    let [own, error] = [0, 0];
    for (const place of places) {
      const level = Math.round(place * scale);
      error += (place * scale - level) ** 2;
      const octave = 31 - Math.clz32(level);
      const half = octave > 0 ? (level >> (octave - 1)) & 1 : 0;
      counts[level === 0 ? 0 : 2 + 2 * octave + half]++;
      // Its sign, and which of its class it is.
      if (level > 0) own += 1 + Math.max(0, octave - 1);
    }
    for (const count of counts) if (count > 0) own -= count * Math.log2(count / places.length);
    bits.push(own * every);
    errors.push((error * every) / scale ** 2);
  }
  return { bits, errors };
}

/** The curve of several together. */
export function together(curves: readonly Curve[]): Curve {
  const sum = (of: (curve: Curve) => readonly number[]): number[] =>
    offsets.map((_, i) => curves.reduce((total, curve) => total + of(curve)[i], 0));
  return { bits: sum(({ bits }) => bits), errors: sum(({ errors }) => errors) };
}

/**
 * The errors in units of that at offset 0. Rows that make up for each other err more than weights by themselves: of wider steps, and of
 * weights that lie on their steps, no less is believed than by the high-rate formula.
 */
function relative({ errors }: Curve): number[] {
  const unit = errors[offsets.indexOf(0)];
  return offsets.map((offset, i) => (offset > 0 || unit === 0 ? 4 ** offset : errors[i] / unit));
}

/**
 * For each tensor the offset with which all together take the fewest bits at about the error that they have: where a bit more or less is
 * worth the same error everywhere (Shoham and Gersho, 1988, "Efficient bit allocation for an arbitrary set of quantizers").
 *
 * @param errors - What each adds to the outputs' error at offset 0.
 */
export function trade(curves: readonly Curve[], errors: readonly number[]): number[] {
  const total = errors.reduce((a, b) => a + b, 0);
  if (total === 0) return curves.map(() => 0);
  const growth = curves.map(relative);
  const at = (price: number): number[] =>
    curves.map(({ bits }, t) => {
      const cost = (i: number): number => errors[t] * growth[t][i] + price * bits[i];
      return offsets.reduce((best, _, i) => (cost(i) < cost(best) ? i : best), 0);
    });
  const errorOf = (chosen: readonly number[]): number =>
    chosen.reduce((sum, i, t) => sum + errors[t] * growth[t][i], 0);
  // Bits are dear enough in the end for the widest steps, and cheap enough for the finest.
  let [low, high] = [-100, 20];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (errorOf(at(total * 2 ** middle)) > total) high = middle;
    else low = middle;
  }
  return at(total * 2 ** low).map((i) => offsets[i]);
}
