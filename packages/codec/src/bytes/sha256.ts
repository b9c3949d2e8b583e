/** SHA-256 (FIPS 180-4) in one go: `crypto.subtle` would make encoding asynchronous. Hexadecimal. */
export function sha256(parts: readonly Uint8Array[]): string {
  const length = parts.reduce((n, part) => n + part.length, 0);
  const data = new Uint8Array((Math.floor((length + 8) / 64) + 1) * 64);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  data[length] = 128;
  const view = new DataView(data.buffer);
  view.setUint32(data.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(data.length - 4, (length * 8) >>> 0);
  const h = Int32Array.from(primes(8), (p) => fraction(Math.sqrt(p)));
  const k = Int32Array.from(primes(64), (p) => fraction(Math.cbrt(p)));
  const w = new Int32Array(64);
  for (let block = 0; block < data.length; block += 64) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) {
        w[i] = view.getInt32(block + 4 * i);
        continue;
      }
      const a = w[i - 15];
      const b = w[i - 2];
      const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
      const s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    const s = h.slice();
    for (let i = 0; i < 64; i++) {
      const [a, b, c, , e, f, g] = s;
      const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const t1 = (s[7] + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
      const t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      s.copyWithin(1, 0, 7);
      s[4] += t1;
      s[0] = t1 + t2;
    }
    for (let i = 0; i < 8; i++) h[i] += s[i];
  }
  return Array.from(h, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

function turn(x: number, bits: number): number {
  return (x >>> bits) | (x << (32 - bits));
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n);
  return found;
}

/** The first 32 bits of the fraction. */
function fraction(x: number): number {
  return Math.floor((x - Math.floor(x)) * 2 ** 32) | 0;
}
