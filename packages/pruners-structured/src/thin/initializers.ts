import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import type { Inside } from '../graph/inside.js';

/**
 * Building a recurrent layer with the default initializer decomposes a matrix, for weights that are written
 * over at once. Replaces it in a model's JSON, in place; `restoreInitializers` puts it back.
 */
export function skipInitializers(value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  const object = value as Record<string, unknown>;
  for (const [key, item] of Object.entries(object)) {
    if (key === 'recurrent_initializer') object[key] = { class_name: 'Zeros', config: {} };
    else skipInitializers(item);
  }
}

type Layer = Inside & {
  readonly cells?: readonly Layer[];
  recurrentInitializer?: unknown;
};

/** Gives the layers of `to` the initializers of those of `from`, so that it saves the same configuration. */
export function restoreInitializers(from: LayersModel, to: LayersModel): void {
  const visit = (a: unknown, b: unknown): void => {
    const [one, other] = [a as Layer | undefined, b as Layer | undefined];
    if (one === undefined || other === undefined) return;
    if (one.recurrentInitializer !== undefined) {
      // On a recurrent layer this is a read-only view of its cell's.
      if (Object.hasOwn(other, 'recurrentInitializer')) other.recurrentInitializer = one.recurrentInitializer;
    }
    for (const key of ['cell', 'layer', 'forwardLayer', 'backwardLayer'] as const)
      visit(one[key], other[key]);
    for (const [i, cell] of (one.cells ?? []).entries()) visit(cell, other.cells?.[i]);
    visitAll(one.layers ?? [], other.layers ?? []);
  };
  const visitAll = (a: readonly layers.Layer[], b: readonly layers.Layer[]): void => {
    const byName = new Map(b.map((layer) => [layer.name, layer]));
    for (const layer of a) visit(layer, byName.get(layer.name));
  };
  visitAll(from.layers, to.layers);
}
