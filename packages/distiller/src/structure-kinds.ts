import { shown } from '@espalier/core';
import type { Context } from './arguments.js';
import type { Component } from './parse.js';

/** The package of the structured pruners. */
export const structured = '@espalier/pruners-structured';

/** What a component's group type is here, and what is to be said of it. */
export function structureOf(
  component: Component,
  thinned: boolean,
  context: Context,
): Readonly<Record<string, unknown>> {
  const { args, path, className } = component;
  const { notes, refuse } = context.schedule;
  const type = args.group_type;
  const at = [...path, 'group_type'];
  // Where nothing is removed, Distiller masks the named weights alone; what thinning removes is tied anyway.
  const tied = thinned ? {} : { tied: false };
  const lp = /^(L[12]Ranked|RandomLevel|FMReconstruction)/.test(className);
  if (type === '3D' || type === 'Filters') return { structure: 'filters', ...tied };
  if (!lp) return refuse(at, `${className} prunes Filters (or 3D), not ${shown(type)}.`);
  if (type === 'Channels') return { structure: 'channels', ...tied };
  if (type === 'Rows') {
    notes.add(
      'defect',
      at,
      "Distiller's 'Rows' are the columns of PyTorch's [out, in], which means inputs, not units; the recipe does the same.",
    );
    return { structure: 'rows' };
  }
  if (type === 'Blocks') return { structure: 'blocks', block: blockOf(component, context) };
  return refuse(at, `there is no group type ${shown(type)}. Known: Filters, 3D, Channels, Rows, Blocks.`);
}

/**
 * Distiller's block [repetitions, depth, 1, 1] runs over `repetitions · depth` neighbours in [out, in], or, of depth
 * 1, over `repetitions` filters. TF.js has [h, w, in, out].
 */
function blockOf({ args, path }: Component, { schedule }: Context): number[] {
  const shape = (args.kwargs as { block_shape?: unknown } | undefined)?.block_shape;
  const at = [...path, ...(args.kwargs === undefined ? [] : ['kwargs'])];
  const good =
    Array.isArray(shape) && shape.length === 4 && shape.every((n) => Number.isInteger(n) && n >= 1);
  if (!good) return schedule.refuse(at, 'Blocks want kwargs: block_shape: [repetitions, depth, 1, 1].', true);
  const [repetitions, depth, height, width] = shape as number[];
  if (height !== 1 || width !== 1)
    return schedule.refuse(at, 'Distiller knows blocks of height and width 1 only.', true);
  if (depth > 1 && repetitions > 1) {
    const what = `Distiller's block of ${repetitions} × ${depth} is ${repetitions * depth} neighbouring inputs of one filter; the recipe does the same.`;
    schedule.notes.add('defect', at, what, true);
  }
  return depth > 1 ? [repetitions * depth, 1] : [1, repetitions];
}
