import type { Context } from './arguments.js';
import { dropped } from './dropped-structures.js';
import type { Policy } from './parse.js';
import type { MaskKind } from './policy-notes.js';
import { criteria, ranked } from './ranked-structures.js';
import { structuresByThreshold } from './structure-thresholds.js';
import type { Rule } from './use.js';

/** Pruners of structures by Distiller's class. */
export function structureRule(
  policy: Policy,
  context: Context,
  thinners: readonly Policy[],
): { readonly rule: Rule; readonly kind: MaskKind } {
  const { className } = policy.component;
  const thinned = thinners.length > 0;
  if (className === 'StructureParameterPruner') {
    return { rule: structuresByThreshold(policy, thinned, context), kind: 'mask' };
  }
  const prefix = className.replace(/(StructureParameter|Filter)?Pruner(_AGP)?$/, '');
  if (criteria[prefix] !== undefined) return { rule: ranked(policy, prefix, thinned, context), kind: 'mask' };
  return { rule: dropped(policy, context), kind: 'noise' };
}
