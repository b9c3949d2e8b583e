import type { ModelArtifacts } from '@espalier/codec';
import { readWeights, type Weight } from '@espalier/compress';

/** One weight tensor of artifacts as numbers. */
export interface NamedValues extends Pick<Weight, 'name' | 'shape'> {
  readonly values: NonNullable<Weight['values']>;
}

/**
 * The numeric tensors of artifacts, in their order; those that the TF.js converter has quantised come back as
 * their numbers. Strings and complex numbers are left out.
 */
export function tensorsOf(artifacts: ModelArtifacts): NamedValues[] {
  return readWeights(artifacts).flatMap(({ name, shape, values }) =>
    values ? [{ name, shape, values }] : [],
  );
}

/** How many values are not 0, and how many different ones there are. */
export function census(values: ArrayLike<number>): { nonzero: number; distinct: number } {
  const seen = new Set<number>();
  let nonzero = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== 0) nonzero++;
    seen.add(values[i]);
  }
  return { nonzero, distinct: seen.size };
}
