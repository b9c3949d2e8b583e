import { LzModel } from './lz.js';
import { Finder, type Step } from './lz-finder.js';
import { cheapest } from './lz-parse.js';
import { RangeEncoder } from './range-encoder.js';

/**
 * Counterpart of `decodeLz`: hash chains, lazy matching. `effort` 0 to 9: how far to look. The decoder knows
 * `data[0, position)`.
 */
export function encodeLz(data: Uint8Array, itemBytes: number, effort: number, position = 0): Uint8Array {
  return encodeSteps(data, itemBytes, position, lazily(data, effort, position));
}

/** The same from steps that are searched for all at once: some percent smaller, several times slower. */
export function encodeLzWell(data: Uint8Array, itemBytes: number, effort: number, position = 0): Uint8Array {
  const quick = lazily(data, effort, position);
  const searched = cheapest(data, itemBytes, 4 << effort, position, quick);
  const both = [quick, searched].map((steps) => encodeSteps(data, itemBytes, position, steps));
  return both[1].length <= both[0].length ? both[1] : both[0];
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

/** At each position the copy that saves most, unless the next position has a much better one. */
function lazily(data: Uint8Array, effort: number, start: number): Step[] {
  const finder = new Finder(data, 4, 4 << effort);
  const steps: Step[] = [];
  let [position, last] = [start, 0];
  for (let i = 0; i < position; i++) finder.insert(i);
  while (position < data.length) {
    const copy = best(finder, position, last);
    const better =
      copy.length > 0 && copy.length < 64 && position + 1 < data.length
        ? best(finder, position + 1, last).gain
        : 0;
    if (copy.length === 0 || better > copy.gain + 8) {
      steps.push({ length: 1, distance: 0 });
      finder.insert(position++);
      continue;
    }
    steps.push({ length: copy.length, distance: copy.distance });
    last = copy.distance;
    for (const stop = position + copy.length; position < stop; position++) finder.insert(position);
  }
  return steps;
}

/** The copy that saves most; gain is an estimate of the bits. */
function best(finder: Finder, position: number, last: number): Step & { gain: number } {
  let found = { length: 0, distance: 0, gain: 0 };
  const consider = (length: number, distance: number, cost: number): void => {
    // About 6 bits a literal byte; a copy costs its distance and length.
    const gain = length * 6 - cost - 2 * Math.log2(length + 1);
    if (length >= 2 && gain > found.gain) found = { length, distance, gain };
  };
  if (last > 0 && last <= position) consider(finder.common(position, last), last, 3);
  finder.each(position, 1, 512, (length, distance) => {
    consider(length, distance, 6 + Math.log2(distance));
  });
  return found;
}
