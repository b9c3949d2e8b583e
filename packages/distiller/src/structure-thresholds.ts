import { shown } from '@espalier/core';
import type { Context } from './arguments.js';
import type { Policy } from './parse.js';
import { structured } from './structure-kinds.js';
import { listed, type Rule, type Use } from './use.js';

/** PyTorch's rows are [out, in]. */
const thresholdTypes: Readonly<Record<string, string>> = {
  '2D': 'kernels',
  Rows: 'columns',
  Cols: 'rows',
  '3D': 'filters',
  Filters: 'filters',
  Channels: 'channels',
};

/** Structures whose magnitude is at or below a threshold. */
export function structuresByThreshold({ component }: Policy, thinned: boolean, context: Context): Rule {
  const { args, path } = component;
  const { refuse } = context.schedule;
  const criterion = args.threshold_criteria === 'Max' ? 'max' : 'l1';
  if (args.threshold_criteria !== 'Max' && args.threshold_criteria !== 'Mean_Abs') {
    refuse([...path, 'threshold_criteria'], 'threshold_criteria is Max or Mean_Abs.');
  }
  const groups = new Map<string, { options: Readonly<Record<string, unknown>>; names: string[] }>();
  for (const [torch, value] of Object.entries(args.reg_regims as object) as [string, unknown][]) {
    const at = [...path, 'reg_regims', torch];
    const [threshold, type] = Array.isArray(value) ? (value as unknown[]) : [];
    const structure = thresholdTypes[type as string];
    if (typeof threshold !== 'number' || structure === undefined) {
      return refuse(
        at,
        `${shown(value)} is not [threshold, group type]. Group types: ${Object.keys(thresholdTypes).join(', ')}.`,
      );
    }
    const tied = !thinned && ['filters', 'channels'].includes(structure) ? { tied: false } : {};
    const key = JSON.stringify(value);
    const group = groups.get(key) ?? { options: { structure, ...tied, criterion, threshold }, names: [] };
    groups.set(key, group);
    group.names.push(context.names.parameter(torch));
  }
  const uses = [...groups.values()].map(({ options, names }): Use => {
    return { use: `${structured}#structuredThreshold`, options, parameters: listed(names) };
  });
  return { at: () => uses, row: () => uses, steady: true };
}
