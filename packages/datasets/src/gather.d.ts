export function gatherBytes(
  out: Float32Array,
  inputs: Uint8Array,
  table: Float32Array,
  order: Uint32Array,
  stride: number,
): void;
export function gatherFloats(
  out: Float32Array,
  inputs: Float32Array | Int32Array,
  order: Uint32Array,
  stride: number,
): void;
export function shiftsOf(
  order: Uint32Array,
  drawn: { most: number; seed: number; epoch: number },
): Int32Array;
export function shiftImages(
  batch: Float32Array,
  shifts: Int32Array,
  shape: readonly number[],
  background: number,
): void;
