import type { Slot } from './slots.js';

/** `dense/kernel_1:0` is a kernel. */
const roleOf = (name: string): string =>
  (name.split('/').at(-1) ?? '').replace(/:\d+$/, '').replace(/_\d+$/, '');

/** Keras 3 calls the kernel of a depthwise convolution a kernel. */
const plays = (name: string, role: string): boolean =>
  roleOf(name) === role || (role === 'depthwise_kernel' && roleOf(name) === 'kernel');

/** Whether parts occur in a path in this order. */
function follows(path: readonly string[], parts: readonly string[]): boolean {
  let at = -1;
  return parts.every((part) => {
    at = path.indexOf(part, at + 1);
    return at >= 0;
  });
}

/** The weights that lie in a slot's layers, of those the ones with most of their names in the path. */
function byName(slots: readonly Slot[], names: readonly string[]): number[] | undefined {
  const paths = names.map((name) => name.split('/'));
  const found = slots.map(({ scope, role }) => {
    for (let from = 0; from < scope.length; from++) {
      const parts = scope.slice(from);
      const fit = names.flatMap((name, i) => (plays(name, role) && follows(paths[i], parts) ? [i] : []));
      if (fit.length === 1) return fit[0];
      if (fit.length > 1) {
        // The layer's own name lies directly before the weight, or its cell's.
        const near = fit.filter((i) => paths[i].slice(-3, -1).includes(scope.at(-1) as string));
        return near.length === 1 ? near[0] : -1;
      }
    }
    return -1;
  });
  // A layer that is used in two places has its weights once.
  const users = new Map<number, string>();
  const clash = found.some((index, i) => {
    const layer = slots[i].scope.at(-1) as string;
    const user = users.get(index) ?? layer;
    users.set(index, layer);
    return user !== layer;
  });
  return found.includes(-1) || clash ? undefined : found;
}

/** Weights in Keras' order: what is trained first, in each layer of the model. */
function byOrder(slots: readonly Slot[], names: readonly string[]): number[] | undefined {
  const layers = [...new Set(slots.map(({ scope }) => scope[1]))];
  const sorted = layers.flatMap((layer) => {
    const own = [...slots.keys()].filter((i) => slots[i].scope[1] === layer);
    return [...own.filter((i) => slots[i].trained), ...own.filter((i) => !slots[i].trained)];
  });
  if (names.length !== slots.length) return undefined;
  if (sorted.some((slot, i) => !plays(names[i], slots[slot].role))) return undefined;
  const found = new Array<number>(slots.length);
  for (const [i, slot] of sorted.entries()) found[slot] = i;
  return found;
}

/**
 * Which of the weights belongs into each slot: its index, or undefined where they do not fit. The names of Keras 3 are paths of
 * layers; those of Keras 2 need not be the layers' own, but are in the layers' order.
 */
export function place(
  slots: readonly Slot[],
  names: readonly string[],
  paths: boolean,
): number[] | undefined {
  return paths
    ? (byName(slots, names) ?? byOrder(slots, names))
    : (byOrder(slots, names) ?? byName(slots, names));
}
