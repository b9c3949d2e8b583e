import { MAX_COPY } from '../../numbers.js';
import { type Costs, extraBits, type Step } from './costs.js';
import type { Finder, Matches } from './finder.js';

/** Copies longer than this are taken whole, without a look at what else there is. */
const LONG = 128;
/** How often the costs are learned from the steps that they led to. */
const ROUNDS = 4;

/** At each position the copy that saves most, unless the next position has a much better one. */
export function lazily(finder: Finder, matches: Matches, before: number): Step[] {
  const { first, end } = matches;
  const steps: Step[] = [];
  let last = before;
  let next: Gain | undefined;
  for (let i = first; i < end; ) {
    const copy = next ?? best(finder, matches, i, last);
    next = undefined;
    if (copy.length > 0 && copy.length < 64 && i + 1 < end) {
      const later = best(finder, matches, i + 1, last);
      if (later.gain > copy.gain + 8) next = later;
    }
    if (copy.length === 0 || next) {
      steps.push({ length: 1, distance: 0 });
      i++;
      continue;
    }
    steps.push({ length: copy.length, distance: copy.distance });
    last = copy.distance;
    i += copy.length;
  }
  return steps;
}

/** A copy, and an estimate of the bits that it saves. */
interface Gain extends Step {
  readonly gain: number;
}

function best(finder: Finder, { first, end, starts, copies }: Matches, position: number, last: number): Gain {
  let found = { length: 0, distance: 0, gain: 0 };
  const consider = (length: number, distance: number, cost: number): void => {
    // About 6 bits a literal byte; a copy costs its distance and length.
    const gain = length * 6 - cost - 2 * Math.log2(length + 1);
    if (length >= 2 && gain > found.gain) found = { length, distance, gain };
  };
  const most = Math.min(MAX_COPY, end - position);
  if (last > 0 && last <= position) consider(finder.common(position, last, most), last, 3);
  for (let k = starts[position - first]; k < starts[position - first + 1]; k += 2) {
    // Three bytes are hardly worth a distance.
    if (copies[k] > 3) consider(Math.min(copies[k], most), copies[k + 1], 6 + Math.log2(copies[k + 1]));
  }
  return found;
}

/**
 * The steps of least cost, by dynamic programming over the positions of `matches`; costs are the entropies of what the
 * steps before were. `first`: steps to begin with; `before`: the last distance before them.
 */
export function cheapest(
  finder: Finder,
  matches: Matches,
  costs: Costs,
  quick: readonly Step[],
  before: number,
): Step[] {
  let steps = quick as Step[];
  for (let round = 0; round < ROUNDS; round++) {
    costs.learn(steps, matches.first, before);
    steps = parse(finder, matches, costs, before);
  }
  return steps;
}

function parse(finder: Finder, matches: Matches, costs: Costs, before: number): Step[] {
  const { first, starts, copies } = matches;
  const size = matches.end - first;
  const bits = new Float64Array(size + 1).fill(Number.POSITIVE_INFINITY);
  // How each position is reached best: the step to it, and the last distance then.
  const lengths = new Int32Array(size + 1);
  const distances = new Int32Array(size + 1);
  const lasts = new Int32Array(size + 1);
  bits[0] = 0;
  lasts[0] = before;
  const reach = (from: number, length: number, distance: number, cost: number): void => {
    const to = from + length;
    if (bits[from] + cost >= bits[to]) return;
    bits[to] = bits[from] + cost;
    lengths[to] = length;
    distances[to] = distance;
    lasts[to] = distance || lasts[from];
  };
  for (let i = 0; i < size; i++) {
    const copied = i > 0 && distances[i] > 0 ? 1 : 0;
    const kind = costs.kindAt(first + i, copied);
    const last = lasts[i];
    reach(i, 1, 0, costs.kind[kind] + costs.literal[costs.literalAt(first + i, copied)]);
    const copy = (least: number, most: number, distance: number): void => {
      const again = distance === last ? 1 : 0;
      const start = costs.kind[kind + 1] + costs.again[copied * 2 + again];
      const far = extraBits(distance);
      for (let length = most > LONG ? most : least; length <= most; length++) {
        const where = again ? 0 : costs.distance[Math.min(length - 2, 2) * 32 + far] + far;
        const long = extraBits(length - 1);
        reach(i, length, distance, start + costs.length[again * 32 + long] + long + where);
      }
    };
    let longest = 1;
    if (last > 0) {
      const length = finder.common(first + i, last, Math.min(MAX_COPY, size - i));
      if (length > 1) copy(2, length, last);
      if (length > LONG) longest = length;
    }
    // The nearest one of each length.
    for (let k = starts[i]; k < starts[i + 1] && longest < size - i; k += 2) {
      const length = Math.min(copies[k], size - i);
      if (length > longest) {
        copy(longest + 1, length, copies[k + 1]);
        longest = length;
      }
    }
    // Inside a long copy nothing else is looked for.
    if (longest > LONG) i += longest - 1;
  }
  const steps: Step[] = [];
  for (let at = size; at > 0; at -= lengths[at]) {
    steps.push({ length: lengths[at], distance: distances[at] });
  }
  return steps.reverse();
}
