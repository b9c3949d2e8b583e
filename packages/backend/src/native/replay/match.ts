import type { NativeBackend } from '../ops.js';
import type { Place, Source, Trace } from './trace.js';

/** What a value from outside is in every step. */
export type Outside =
  | { readonly is: 'input'; readonly index: number }
  /** The same in all steps: a mask, a handle, a number that is kept. */
  | { readonly is: 'fixed'; readonly id: number }
  /** What the step before has left: a weight, a slot, a sum. */
  | { readonly is: 'carried'; readonly source: Source };

/** What is alike in two steps that follow each other, which is what all steps are. */
export interface Matched {
  readonly outside: readonly Outside[];
  /** What a step leaves to the next in place of what it found there. */
  readonly carried: ReadonlyMap<Source, Place>;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What two steps ask that is not alike, in words; of which values they work with nothing is said. */
export function difference(first: Trace, second: Trace): string | undefined {
  if (second.calls.length === 0) return 'it computes nothing';
  if (first.calls.length !== second.calls.length) {
    return `one step is ${first.calls.length} calls, the next ${second.calls.length}`;
  }
  for (const [i, { op, attributes, inputs: sources }] of second.calls.entries()) {
    const before = first.calls[i];
    if (before.op !== op) return `where one step calls ${before.op}, the next calls ${op}`;
    if (!same(before.attributes, attributes)) return `${op} has other attributes in the next step`;
    if (!same(before.inputs, sources)) return `${op} has inputs from elsewhere in the next step`;
  }
  if (first.numbers.length !== second.numbers.length) return 'its numbers are not as many in the next step';
  for (const [i, { shape, dtype, values, make }] of second.numbers.entries()) {
    const before = first.numbers[i];
    if (!same(before.shape, shape) || before.dtype !== dtype) return 'its numbers have other shapes';
    if ((before.make === undefined) !== (make === undefined)) return 'its numbers are not all made anew';
    if (make === undefined && !before.values.every((value, k) => Object.is(value, values[k])))
      return `numbers of shape [${shape}] change from step to step`;
  }
  return first.effects.length === second.effects.length
    ? undefined
    : 'it does something else in the next step';
}

/**
 * Compares two steps, the second right after the first, that were given these inputs (by ids).
 *
 * @returns what they have in common, or in words why a third one may be something else
 */
export function match(
  backend: NativeBackend,
  first: Trace,
  second: Trace,
  inputs: readonly (readonly number[])[],
): Matched | string {
  const other = first.reason ?? second.reason ?? difference(first, second);
  if (other !== undefined) return other;
  const placeOf = new Map<number, Place>();
  for (const place of second.places) {
    if (backend.tensorMap.has(place.dataId) && place.stored.id >= 0) placeOf.set(place.stored.id, place);
  }
  const outside: Outside[] = [];
  for (const [i, id] of second.outside.entries()) {
    const before = first.outside[i];
    const index = inputs[1].findIndex((input, k) => input === id && inputs[0][k] === before);
    const source = first.left.get(id);
    if (index >= 0) outside.push({ is: 'input', index });
    else if (before === id && placeOf.has(id)) outside.push({ is: 'fixed', id });
    else if (source !== undefined) outside.push({ is: 'carried', source });
    else return 'it works with a value that is neither given nor left by the step before';
  }
  const carried = new Map<Source, Place>();
  const constant = new Map<Source, number>();
  const leftBefore = new Map([...first.left].map(([id, source]) => [source, id]));
  for (const [id, source] of second.left) {
    const before = leftBefore.get(source);
    const place = placeOf.get(id);
    if (before === undefined || place === undefined || !second.deleted.has(before))
      return 'it leaves more and more values behind';
    if (isConstant(second, source))
      constant.set(source, id); // What is there already is the same.
    else carried.set(source, place);
  }
  for (const [i, one] of outside.entries()) {
    if (one.is !== 'carried' || carried.has(one.source)) continue;
    const id = constant.get(one.source);
    if (id === undefined) return 'what it works with is not left in its place';
    outside[i] = { is: 'fixed', id };
  }
  const known = new Set([...first.left.keys(), ...second.left.keys()]);
  const own = new Set([...second.calls.flatMap(({ ids }) => ids), ...second.numbers.map(({ id }) => id)]);
  for (const id of second.deleted)
    if (!own.has(id) && !known.has(id)) return 'it disposes what it did not make';
  return { outside, carried };
}

/** Whether a value is made of numbers that are the same in all steps. */
function isConstant({ numbers }: Trace, source: Source): boolean {
  const [kind, i] = source.split(' ');
  return kind === 'numbers' && numbers[Number(i)].make === undefined;
}
