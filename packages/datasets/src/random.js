// Plain JavaScript, as is all that worker.js runs: a worker is started from a file as it lies here.
/** Mixes the bits of a 32-bit integer (the finaliser of MurmurHash3): neighbouring keys land far apart. */
function mix(value) {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/**
 * Random numbers in [0, 1) that depend on the keys alone: the same keys give the same numbers, so that an order
 * or a shift can be recomputed for any epoch without a generator's state. sfc32 (C. Doty-Humphrey, PractRand).
 */
export function generator(...keys) {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1];
  for (const key of keys) {
    // A seed may be any safe integer: both halves count.
    a = mix(a ^ (key >>> 0));
    b = mix(b ^ (Math.floor(key / 2 ** 32) >>> 0) ^ a);
    c = mix(c + b);
  }
  const next = () => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** A uniformly drawn order of 0 … n - 1, a pure function of the keys (Fisher-Yates). */
export function permutation(n, ...keys) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const random = generator(...keys);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
  return order;
}
