import { EspalierError, unknownName } from './errors.js';
import type { Parameter } from './parameter.js';

/**
 * Which parameters: a name, a glob over names (`*` within a path segment, `**` across segments), a list of
 * those (a leading `!` takes away), or a predicate. Names without a wildcard must exist.
 */
export type Selector = string | readonly string[] | ((parameter: Parameter) => boolean);

/** What a schedule prunes, regularises or quantises when nothing is said: every trainable kernel. */
export const kernels: Selector = (p) =>
  p.trainable &&
  (p.role === 'kernel' || p.role === 'depthwise' || p.role === 'recurrent' || p.role === 'embedding');

function toRegExp(glob: string): RegExp {
  const source = glob
    .split(/(\*\*|\*|\?)/)
    .map((part) =>
      part === '**'
        ? '.*'
        : part === '*'
          ? '[^/]*'
          : part === '?'
            ? '[^/]'
            : part.replace(/[.+^${}()|[\]\\]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${source}$`);
}

/** Whether a single name or glob, or what a leading `!` leaves, takes in a parameter. */
export function isNamedBy(pattern: string, { name }: Parameter): boolean {
  return pattern.startsWith('!') ? !toRegExp(pattern.slice(1)).test(name) : toRegExp(pattern).test(name);
}

/**
 * The parameters a selector names, in the model's order.
 *
 * @throws EspalierError `unknown-name` when a name or glob matches nothing (with the nearest name),
 *   `invalid-option` when the whole selection is empty.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { parametersOf, selectParameters } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 3, inputShape: [2] })] });
 * const [kernel] = selectParameters(parametersOf(model), ['**' + '/kernel']);
 * if (kernel.name !== 'fc/kernel') throw new Error(kernel.name);
 * ```
 */
export function selectParameters(parameters: readonly Parameter[], selector: Selector): Parameter[] {
  if (typeof selector === 'function') return nonEmpty(parameters.filter(selector), 'the predicate');
  const patterns = typeof selector === 'string' ? [selector] : selector;
  const chosen = new Set<Parameter>();
  if (patterns.length > 0 && patterns.every((pattern) => pattern.startsWith('!')))
    for (const p of parameters) chosen.add(p);
  for (const pattern of patterns) {
    const remove = pattern.startsWith('!');
    const glob = toRegExp(remove ? pattern.slice(1) : pattern);
    const matches = parameters.filter((p) => glob.test(p.name));
    if (matches.length === 0) {
      throw unknownName(
        'parameter',
        remove ? pattern.slice(1) : pattern,
        parameters.map((p) => p.name),
      );
    }
    for (const match of matches) remove ? chosen.delete(match) : chosen.add(match);
  }
  return nonEmpty(
    parameters.filter((p) => chosen.has(p)),
    JSON.stringify(patterns),
  );
}

function nonEmpty(found: Parameter[], what: string): Parameter[] {
  if (found.length > 0) return found;
  throw new EspalierError('invalid-option', `The selection ${what} is empty.`, {
    remedy: "Name at least one parameter, for example '**/kernel'.",
  });
}
