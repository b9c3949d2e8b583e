import { RangeEncoder } from '../range/encoder.js';
import { Costs, type Step } from './costs.js';
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
  const [quick] = findSteps(data, itemBytes, effort, position);
  return encodeSteps(data, itemBytes, position, quick);
}

/** The same from steps that are searched for all at once, as long as there is time: some percent smaller, slower. */
export function encodeLzWell(
  data: Uint8Array,
  itemBytes: number,
  effort: number,
  position = 0,
  more: () => boolean = () => true,
): Uint8Array {
  const both = findSteps(data, itemBytes, effort, position, more);
  const [quick, searched] = both.map((steps) => encodeSteps(data, itemBytes, position, steps));
  return searched.length <= quick.length ? searched : quick;
}

/** Steps taken lazily; and those of least cost, where there is time. */
function findSteps(
  data: Uint8Array,
  itemBytes: number,
  effort: number,
  start: number,
  more: () => boolean = () => false,
): [quick: Step[], searched: Step[]] {
  const finder = new Finder(data, 4 << effort);
  finder.skip(0, start);
  const costs = new Costs(data, itemBytes);
  const quick = new Steps();
  const searched = new Steps();
  for (let first = start; first < data.length; first += BLOCK) {
    const matches = finder.matches(first, Math.min(data.length, first + BLOCK));
    const { last } = searched;
    quick.add(lazily(finder, matches, quick.last));
    const lazy = lazily(finder, matches, last);
    searched.add(more() ? cheapest(finder, matches, costs, lazy, last) : lazy);
  }
  return [quick.all, searched.all];
}

/** A growing list of steps. */
class Steps {
  readonly all: Step[] = [];
  /** The last distance. */
  last = 0;

  add(steps: readonly Step[]): void {
    for (const step of steps) {
      this.all.push(step);
      this.last = step.distance || this.last;
    }
  }
}

function encodeSteps(data: Uint8Array, itemBytes: number, start: number, steps: readonly Step[]): Uint8Array {
  const coder = new RangeEncoder();
  const model = new LzModel(coder, itemBytes);
  let [position, last] = [start, 0];
  for (const { length, distance } of steps) {
    model.kind(position, distance ? 1 : 0);
    if (distance === 0) model.literal(position, data[position - 1] ?? 0, data[position]);
    else {
      model.copy(length, distance === last ? 0 : distance);
      last = distance;
    }
    position += length;
  }
  return coder.finish();
}
