import type { ModelArtifacts, WeightSpec } from '../../artifacts.js';
import { fail } from '../../errors.js';

/** The bytes of all weights in one array of their own. */
export function copyWeights({ weightData }: ModelArtifacts): ArrayBuffer {
  const parts = weightData === undefined ? [] : Array.isArray(weightData) ? weightData : [weightData];
  const joined = new Uint8Array(parts.reduce((n, part) => n + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return joined.buffer;
}

/** The float32 tensors by name, as bit patterns that can be moved without being read as numbers. */
export class Weights {
  readonly #found = new Map<string, { shape: number[]; values: Uint32Array } | undefined>();

  constructor(specs: readonly WeightSpec[], data: ArrayBuffer) {
    let at = 0;
    for (const { name, shape, dtype, quantization } of specs) {
      const elements = shape.reduce((a, b) => a * b, 1);
      if (dtype === 'string') fail('input', 'models with text tensors cannot be reordered');
      const bytes = quantization
        ? quantization.dtype === 'uint8'
          ? 1
          : 2
        : dtype === 'bool'
          ? 1
          : dtype === 'complex64'
            ? 8
            : 4;
      if (at + elements * bytes > data.byteLength) fail('input', `weightData ends inside "${name}"`);
      const plain = dtype === 'float32' && !quantization && at % 4 === 0;
      this.#found.set(name, plain ? { shape, values: new Uint32Array(data, at, elements) } : undefined);
      at += elements * bytes;
    }
    if (at !== data.byteLength) fail('input', 'weightData is longer than the weight specs say');
  }

  get(name: string): { shape: number[]; values: Uint32Array } | undefined {
    return this.#found.get(name);
  }

  has(name: string): boolean {
    return this.#found.has(name);
  }
}

/** Reorders the middle axis of [outer, units, inner] in place. */
export function gather(
  values: Uint32Array,
  outer: number,
  units: number,
  inner: number,
  order: Int32Array,
): void {
  const block = new Uint32Array(units * inner);
  for (let o = 0; o < outer; o++) {
    const at = o * units * inner;
    block.set(values.subarray(at, at + units * inner));
    for (let u = 0; u < units; u++) {
      const from = order[u] * inner;
      values.set(block.subarray(from, from + inner), at + u * inner);
    }
  }
}
