import { MAX_EXPONENT } from './codebook.js';

/** 2^(1/4), 2^(2/4), 2^(3/4): as numbers, for engines may differ in powers. */
const QUARTERS: readonly number[] = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];

/** step * 2^(e / 4) for every exponent e. */
export function stepTable(step: number): Float64Array {
  return Float64Array.from({ length: MAX_EXPONENT + 1 }, (_, e) => step * QUARTERS[e & 3] * (1 << (e >> 2)));
}

/** Calls `line` for each run along the last axis: where it starts, how long it is, the other axes' exponents summed. */
export function forEachLine(
  elements: number,
  exponents: readonly (Uint8Array | undefined)[],
  sizes: readonly number[],
  line: (start: number, end: number, exponent: number) => void,
): void {
  const last = sizes[sizes.length - 1] ?? 1;
  for (let start = 0; start < elements; start += last) {
    let exponent = 0;
    for (let axis = sizes.length - 2, rest = start / last; axis >= 0; axis--) {
      exponent += exponents[axis]?.[rest % sizes[axis]] ?? 0;
      rest = Math.floor(rest / sizes[axis]);
    }
    line(start, start + last, exponent);
  }
}

/** Turns levels (int32) into elements (float32) in place: level * step * 2^(sum of the axes' exponents / 4). */
export function scaleLevels(
  buffer: ArrayBufferLike,
  offset: number,
  elements: number,
  step: number,
  exponents: readonly (Uint8Array | undefined)[],
  sizes: readonly number[],
): void {
  const levels = new Int32Array(buffer, offset, elements);
  const floats = new Float32Array(buffer, offset, elements);
  const steps = stepTable(step);
  const own = exponents[exponents.length - 1];
  forEachLine(elements, exponents, sizes, (start, end, exponent) => {
    for (let i = start; i < end; i++) floats[i] = levels[i] * steps[exponent + (own ? own[i - start] : 0)];
  });
}
