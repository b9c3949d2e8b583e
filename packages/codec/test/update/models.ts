import type { ModelArtifacts, WeightSpec } from '../../src/index.js';

/** Numbers from 0 to before 1, the same in each run. */
export function draw(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A tensor: its spec, and its bytes. */
export type Tensor = readonly [spec: WeightSpec, bytes: Uint8Array];

export const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();

export function modelOf(tensors: readonly Tensor[], more: object = {}): ModelArtifacts {
  return {
    modelTopology: { class_name: 'Sequential', config: { layers: [] } },
    ...more,
    weightSpecs: tensors.map(([spec]) => spec),
    weightData: tensors.map(([, bytes]) => bytes.slice().buffer),
  };
}

export function floats(name: string, shape: number[], values: ArrayLike<number>): Tensor {
  return [{ name, shape, dtype: 'float32' }, bytesOf(Float32Array.from(values))];
}

/** Weights on a grid, a share of which moves by a level. */
export function quantised(count: number, seed: number, step: number, moved = 0): Float32Array {
  const random = draw(seed);
  const other = draw(seed + 1);
  return Float32Array.from({ length: count }, () => {
    const level = Math.round((random() + random() + random() - 1.5) * 6);
    const away = other() < moved ? (other() < 0.5 ? -1 : 1) : 0;
    return Math.fround((level + away) * Math.fround(step));
  });
}
