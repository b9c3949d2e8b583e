import { shown } from '@espalier/core';
import type { Context } from './arguments.js';
import type { Policy } from './parse.js';
import { listed, type Rule, type Use } from './use.js';

const regularizers = '@espalier/regularizers';

/** PyTorch's matrices are [out, in], TF.js's [in, out]: a row here is a column there. */
const groupTypes: Readonly<Record<string, readonly string[]>> = {
  '2D': ['kernels'],
  Rows: ['columns'],
  Cols: ['rows'],
  'Rows+Cols': ['columns', 'rows'],
  'Cols+Rows': ['columns', 'rows'],
  Channels: ['channels'],
  '3D': ['filters'],
  Filters: ['filters'],
  '4D': ['layer'],
  'Channels+4D': ['channels', 'layer'],
  '4D+Channels': ['channels', 'layer'],
};

interface Regime {
  readonly parameter: string;
  readonly strength: number;
  readonly structure: string | undefined;
}

function regimesOf({ component }: Policy, { schedule, names }: Context, grouped: boolean): Regime[] {
  const path = [...component.path, 'reg_regims'];
  const { reg_regims: regimes } = component.args;
  if (regimes === null || typeof regimes !== 'object') {
    return schedule.refuse(path, "'reg_regims' is not a map from weights.", true);
  }
  return Object.entries(regimes as object).flatMap(([torch, value]: [string, unknown]): Regime[] => {
    const at = [...path, torch];
    const [strength, type] = Array.isArray(value) ? (value as unknown[]) : [value, undefined];
    if (typeof strength !== 'number' || strength < 0) {
      return schedule.refuse(
        at,
        `${shown(value)} is not ${grouped ? '[strength, group type]' : 'a strength'}.`,
      );
    }
    const parameter = names.parameter(torch);
    if (!grouped) return [{ parameter, strength, structure: undefined }];
    const found = groupTypes[type as string];
    if (found === undefined) {
      return schedule.refuse(
        at,
        `there is no group type '${String(type)}'. Known: ${Object.keys(groupTypes).join(', ')}.`,
      );
    }
    if (found.length > 1 && found.includes('layer')) {
      schedule.notes.add('defect', at, `Distiller crashes on '${String(type)}'; here both penalties act.`);
    }
    return found.map((structure) => ({ parameter, strength, structure }));
  });
}

function criterionOf({ component }: Policy, { schedule }: Context): 'meanAbs' | 'max' | undefined {
  const { threshold_criteria: criteria } = component.args;
  if (criteria === undefined || criteria === null) return undefined;
  if (criteria === 'Mean_Abs') return 'meanAbs';
  if (criteria === 'Max') return 'max';
  return schedule.refuse(
    [...component.path, 'threshold_criteria'],
    `threshold_criteria is ${shown(criteria)}: Mean_Abs or Max is wanted.`,
  );
}

/** One plugin per kind of group and, where a threshold comes with it, per strength: the threshold is the strength. */
function split(regimes: readonly Regime[], thresholded: boolean): Regime[][] {
  const found = new Map<string, Regime[]>();
  for (const regime of regimes) {
    const key = `${regime.structure} ${thresholded ? regime.strength : ''}`;
    found.set(key, [...(found.get(key) ?? []), regime]);
  }
  return [...found.values()];
}

const factories: Readonly<Record<string, string>> = {
  L1Regularizer: 'l1',
  GroupLassoRegularizer: 'groupLasso',
  GroupVarianceRegularizer: 'groupVariance',
};

/** A regularizer as plugins here. */
export interface Penalty extends Rule {
  /** Does it prune by its threshold, too? */
  readonly thresholded: boolean;
}

/**
 * A regularizer policy as plugins. Distiller zeroes, after every batch, the groups at or below a threshold that is
 * the strength itself, and lets them grow again; with keep_mask the last zeros stay.
 */
export function penaltyRule(policy: Policy, context: Context): Penalty | undefined {
  const { component, args } = policy;
  const { notes } = context.schedule;
  const factory = factories[component.className];
  if (factory === undefined) {
    notes.add(
      'lost',
      component.path,
      `${component.className} has no counterpart here: it is left out.`,
      true,
    );
    return undefined;
  }
  const grouped = factory !== 'l1';
  const criterion = criterionOf(policy, context);
  const thresholded = criterion !== undefined;
  const regimes = regimesOf(policy, context, grouped);
  if (factory === 'groupVariance') {
    const other = regimes.find(({ structure }) => structure !== 'channels');
    if (other !== undefined) {
      context.schedule.refuse(component.path, 'GroupVarianceRegularizer knows Channels only.', true);
    }
  }
  if (thresholded && regimes.some(({ structure }) => structure === 'layer')) {
    const what = 'Distiller stops at a threshold with 4D groups; here it works.';
    notes.add('defect', [...component.path, 'threshold_criteria'], what, true);
  }
  if (thresholded) {
    notes.add(
      'changed',
      [...component.path, 'threshold_criteria'],
      'Distiller zeroes what is below the threshold after every batch and lets it grow again; here it is pruned at the start of each epoch, for good.',
      true,
    );
  } else if (args.keep_mask === true) {
    notes.add(
      'defect',
      policy.path,
      'keep_mask does nothing without threshold_criteria: there is no mask to keep.',
    );
  }
  const uses = split(regimes, thresholded).map((own): Use => {
    const [{ strength, structure }] = own;
    const one = own.every((r) => r.strength === strength);
    const options = {
      strength: one ? strength : Object.fromEntries(own.map((r) => [r.parameter, r.strength])),
      ...(structure !== undefined && { structure }),
      // Distiller does not weigh groups by their size.
      ...(factory === 'groupLasso' && { weighted: false }),
      ...(thresholded && { threshold: strength }),
      ...(thresholded && grouped && { criterion }),
    };
    return { use: `${regularizers}#${factory}`, options, parameters: listed(own.map((r) => r.parameter)) };
  });
  return {
    at: () => uses,
    row: (_first, _last, every) => (every === 1 ? uses : undefined),
    steady: true,
    thresholded,
  };
}
