import type { Context } from './arguments.js';
import { elementRules } from './elements.js';
import type { Policy } from './parse.js';
import type { MaskKind } from './policy-notes.js';
import { structureRule } from './structures.js';
import type { Rule } from './use.js';

/** What a pruner policy does here, and how its masks come and go. */
export function prunerRule(
  policy: Policy,
  context: Context,
  thinners: readonly Policy[],
): { readonly rule: Rule; readonly kind: MaskKind } {
  const { className } = policy.component;
  const element = elementRules[className];
  if (element !== undefined) {
    return { rule: element(policy, context), kind: className === 'SplicingPruner' ? 'splicing' : 'mask' };
  }
  return structureRule(policy, context, thinners);
}
