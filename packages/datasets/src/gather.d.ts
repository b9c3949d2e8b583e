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
export function shiftImages(
  batch: Float32Array,
  order: Uint32Array,
  shape: readonly number[],
  drawn: { most: number; background: number; seed: number; epoch: number },
): void;
