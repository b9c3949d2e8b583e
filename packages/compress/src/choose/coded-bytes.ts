import { type EncodeOptions, encode, inspect, type ModelArtifacts } from '@espalier/codec';
import type { Weight } from '../model/weights.js';
import { entropyOf } from '../numbers/entropy.js';
import type { Plan } from '../plan/tensor-plan.js';
import type { Rounded } from './quantize.js';

/** How hard the coder searches when two ways are compared. */
const effort = 3;

/** A tensor by itself, as a model. */
function alone({ shape }: Weight, values: Float32Array): ModelArtifacts {
  const weightSpecs = [{ name: 'w', shape: [...shape], dtype: 'float32' as const }];
  return { weightSpecs, weightData: values.slice().buffer };
}

/** Bytes of a tensor in the file, as far as its values decide. */
export function codedBytes(
  { weight }: Pick<Plan, 'weight'>,
  { values, grid }: Pick<Rounded, 'values' | 'grid'>,
  options: EncodeOptions = { effort },
): number {
  return encode(alone(weight, values), { ...options, ...(grid && { grids: { w: grid } }) }).length;
}

/** The same where a coder finds repetitions. */
export function repeatedBytes({ weight }: Plan, { values }: Rounded): number {
  return inspect(encode(alone(weight, values), { effort: 2, codecs: ['lz'] })).tensors[0].storedBytes;
}

/** Bytes that the values take by how often each level occurs. */
export function entropyBytes({ wish, level }: Plan, { values, grid, method }: Rounded): number {
  if (!grid) return entropyOf(values);
  const steps = (method === 'plain' ? (level ?? wish) : wish).steps(grid);
  return entropyOf(values.map((value, i) => Math.round(value / steps[i])));
}
