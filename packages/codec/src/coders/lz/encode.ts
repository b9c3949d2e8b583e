import type { BitCoder } from '../range/bit-coder.js';
import { RangeEncoder } from '../range/encoder.js';
import { Costs, type Step, touch } from './costs.js';
import { Finder } from './finder.js';
import { LzModel } from './model.js';
import { cheapest, lazily } from './parse.js';

/** Positions whose steps are searched for at once: what this takes of memory does not depend on the length. */
const BLOCK = 2 ** 18;

/**
 * Counterpart of `decodeLz`: the copy that saves most, unless the next position has a much better one. `effort` 0 to 9:
 * how far to look. The decoder knows `data[0, position)`.
 */
export function encodeLz(data: Uint8Array, itemBytes: number, effort: number, position = 0): Uint8Array {
  const [quick] = findSteps(data, itemBytes, effort, position, () => false, 1);
  return encoded(data, itemBytes, position, quick, 1);
}

/**
 * The same from steps that are searched for all at once, as long as there is time: some percent smaller, slower. `many`: see
 * `LzModel`.
 */
export function encodeLzWell(
  data: Uint8Array,
  itemBytes: number,
  effort: number,
  position = 0,
  more: () => boolean = () => true,
  many = 1,
): Uint8Array {
  return findSteps(data, itemBytes, effort, position, more, many)
    .map((steps) => encoded(data, itemBytes, position, steps, many))
    .reduce((quick, searched) => (searched.length <= quick.length ? searched : quick));
}

/** `encodeLzWell` by a coder that goes on with something else. */
export function codeLzWell(coder: BitCoder, data: Uint8Array, effort: number, position: number): void {
  const sizeOf = (steps: readonly Step[]): number => encoded(data, 1, position, steps, 1).length;
  const least = findSteps(data, 1, effort, position, () => true, 1).reduce((quick, searched) =>
    sizeOf(searched) <= sizeOf(quick) ? searched : quick,
  );
  encodeSteps(coder, data, 1, position, least, 1);
}

/** Steps taken lazily; and those of least cost, where there is time for any. */
export function findSteps(
  data: Uint8Array,
  itemBytes: number,
  effort: number,
  start: number,
  more: () => boolean,
  many: number,
): [quick: Step[], ...searched: Step[][]] {
  const finder = new Finder(data, 4 << effort);
  finder.skip(0, start);
  const costs = new Costs(data, itemBytes, many);
  const quick = new Steps(1);
  const searched = new Steps(many);
  let any = false;
  for (let first = start; first < data.length; first += BLOCK) {
    const matches = finder.matches(first, Math.min(data.length, first + BLOCK));
    const lazy = lazily(finder, matches, quick.last);
    quick.add(lazy);
    const time = more();
    any ||= time;
    searched.add(time ? cheapest(finder, matches, costs, lazy, searched.recent) : lazy);
  }
  return any ? [quick.all, searched.all] : [quick.all];
}

/** A growing list of steps. */
class Steps {
  readonly all: Step[] = [];
  /** The last distances, newest first. */
  readonly recent: number[];

  constructor(many: number) {
    this.recent = Array(many).fill(Number.POSITIVE_INFINITY);
  }

  /** The last distance; 0 for none. */
  get last(): number {
    return this.recent[0] < Number.POSITIVE_INFINITY ? this.recent[0] : 0;
  }

  add(steps: readonly Step[]): void {
    for (const step of steps) {
      this.all.push(step);
      if (step.distance) touch(this.recent, step.distance);
    }
  }
}

function encoded(
  data: Uint8Array,
  itemBytes: number,
  start: number,
  steps: readonly Step[],
  many: number,
): Uint8Array {
  const coder = new RangeEncoder();
  encodeSteps(coder, data, itemBytes, start, steps, many);
  return coder.finish();
}

/** Writes steps that make `data` from position `start` on. */
export function encodeSteps(
  coder: BitCoder,
  data: Uint8Array,
  itemBytes: number,
  start: number,
  steps: readonly Step[],
  many: number,
): void {
  const model = new LzModel(coder, itemBytes, many);
  let position = start;
  for (const { length, distance } of steps) {
    model.kind(position, distance ? 1 : 0);
    if (distance === 0) model.literal(position, data[position - 1] ?? 0, data[position]);
    else model.copy(length, distance, model.recent.indexOf(distance) + 1);
    position += length;
  }
}
