import { EspalierError, type Of, type Parameter, type Selector, selectParameters } from '@espalier/core';

/**
 * The parameters of each selector. @throws EspalierError `invalid-option` unless each is in exactly one.
 */
export function partition(owner: string, of: Of, groups: readonly Selector[]): Parameter[][] {
  const found = groups.map((selector) => selectParameters(of, selector));
  const seen = new Set<Parameter>();
  for (const p of found.flat()) {
    if (seen.has(p)) {
      throw new EspalierError('invalid-option', `${owner}: ${p.name} is in two groups.`, {
        remedy: 'Let each parameter be named by one entry of groups.',
      });
    }
    seen.add(p);
  }
  const missing = of.find((p) => !seen.has(p));
  if (missing === undefined) return found;
  throw new EspalierError('invalid-option', `${owner}: ${missing.name} is in none of the groups.`, {
    remedy: 'Add a group that names it, or leave it out of the schedule.',
  });
}

/** The one sparsity of tensors that are ranked together. @throws EspalierError `invalid-option` */
export function commonSparsity(
  owner: string,
  group: readonly Parameter[],
  wanted: ReadonlyMap<Parameter, number>,
): number {
  const sparsity = wanted.get(group[0])!;
  const other = group.find((p) => wanted.get(p) !== sparsity);
  if (other === undefined) return sparsity;
  const [a, b] = [group[0].name, other.name];
  throw new EspalierError(
    'invalid-option',
    `${owner}: ${a} and ${b} are ranked together but have sparsities ${sparsity} and ${wanted.get(other)}.`,
    { remedy: "Give them one sparsity, or use scope: 'tensor'." },
  );
}
