/** 2^(1/4), 2^(2/4), 2^(3/4): as numbers, for engines may differ in powers. */
const QUARTERS: readonly number[] = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];

/** step * 2^(e / 4). */
export function widen(step: number, e: number): number {
  return step * QUARTERS[e & 3] * (1 << (e >> 2));
}

/** Turns levels (int32) into elements (float32) in place: level * step * 2^(sum of the axes' exponents / 4). */
export function scaleLevels(
  target: Uint32Array | Uint16Array | Uint8Array,
  step: number,
  exponents: readonly (Uint8Array | undefined)[],
  sizes: readonly number[],
): void {
  const levels = new Int32Array(target.buffer, target.byteOffset, target.length);
  const floats = new Float32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < levels.length; i++) {
    if (levels[i] === 0) continue;
    let e = 0;
    let rest = i;
    for (let axis = sizes.length; axis-- > 0; ) {
      e += exponents[axis]?.[rest % sizes[axis]] ?? 0;
      rest = Math.floor(rest / sizes[axis]);
    }
    floats[i] = levels[i] * widen(step, e);
  }
}
